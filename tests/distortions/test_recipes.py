import pickle
import unicodedata

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.distortions import (
    apply_distortion,
    apply_to_floats,
    catalogue,
    operator_of,
    operators,
    parse_recipe,
    read_recipe,
    recipe_warnings,
    side_by_side,
    strip,
    write_recipe,
)
from workbench.domain.distortion import Recipe, Step
from workbench.errors import ConfigError, InvalidConfigError, UnknownNameError

NIGHT = {
    "name": "Night shot",
    "explanation": "A phone's camera at night makes the picture dark and grainy.",
    "steps": [
        {"operator": "darken", "parameters": [0.1, 0.3, 0.6]},
        {"operator": "white_noise", "parameter": 0.01},
    ],
}


def a_recipe(*steps, id="made", **more):
    steps = tuple(Step(operator=name, parameters=values) for name, values in steps)
    fields = {"name": "Made", "group": "noise", "explanation": "It is made.", **more}
    return Recipe(id=id, steps=steps, **fields)


def faults_of(raw, recipes=()):
    with pytest.raises(InvalidConfigError) as caught:
        parse_recipe(raw, "night.yaml", recipes)
    return caught.value.faults


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comment_that_cuts_a_text_is_warned_of_with_its_line(tmp_path, end):
    file = tmp_path / "night.yaml"
    text = """# mine
name: 'Night # 2'  # kept
explanation: A phone's camera at night # grainy
steps:  # one
  - {operator: darken, parameters: [0.1]}  # dark
"""
    file.write_bytes(text.replace("\n", end).encode())
    recipe = read_recipe(file)
    assert (recipe.name, recipe.explanation) == ("Night # 2", "A phone's camera at night")
    assert recipe_warnings(file) == [
        f"{file}, line 3: '# grainy' is a comment; put quotes around all of the explanation to "
        "keep it"
    ]


def test_a_file_becomes_a_recipe(tmp_path):
    file = tmp_path / "night.yaml"
    file.write_text(yaml.safe_dump(NIGHT), encoding="utf-8")
    recipe = read_recipe(file)
    assert (recipe.id, recipe.group, recipe.levels) == ("night_shot", "brightness", 3)
    assert recipe.steps[1] == Step(operator="white_noise", parameters=(0.01,) * 3)


def test_without_steps_it_is_a_type_that_can_only_be_described():
    words = {"name": "Smog", "explanation": "A grey veil  lies\nover far parts.\n"}
    recipe = parse_recipe(words, "smog.yaml")
    assert recipe.explanation == "A grey veil lies over far parts."
    assert not catalogue((recipe,))["smog"].has_operator
    assert "smog" not in operators((recipe,))
    with pytest.raises(ConfigError, match=r"Smog \('smog'\) has no operator: it can be described"):
        operator_of("smog", (recipe,))


texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)
plain_texts = texts.map(lambda text: unicodedata.normalize("NFC", " ".join(text.split())))


@st.composite
def recipes(draw):
    def values(name):
        low, high = operators()[name].spec.limits
        return st.lists(st.floats(low, high, allow_nan=False, allow_infinity=False),
                        min_size=levels, max_size=levels)  # fmt: skip

    levels = draw(st.integers(1, 5))
    names = draw(st.lists(st.sampled_from(sorted(operators())), max_size=3))
    return a_recipe(
        *((name, draw(values(name))) for name in names),
        name=draw(plain_texts.filter(bool)),
        explanation=draw(plain_texts.filter(bool)),
        group=draw(st.sampled_from(["blur", "noise"])),
    )


@given(recipe=recipes())
def test_what_is_written_reads_back_equal(recipe, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "made.yaml"
    write_recipe(recipe, file)
    assert read_recipe(file) == recipe
    assert parse_recipe(recipe.model_dump(mode="json"), "browser") == recipe


def test_every_fault_is_named_at_once():
    raw = {
        "name": 7,
        "explanation": "  ",
        "mood": "dark",
        "group": "night",
        "levels": 2,
        "steps": [
            {"operator": "gausian_blur", "parameters": [1, 2]},
            {"operator": "white_noise", "parameters": [-1, True, ".", float("nan"), 10**400]},
            {"operator": "jpeg", "parameters": [1, 2], "parameter": 3, "strength": 1},
            "jpeg",
        ],
    }
    expected = [
        "mood: no such field; known: name, explanation, id, group, levels, steps",
        "name: must be text, got 7; put it into quotes",
        "explanation: is empty",
        "steps.1.operator: unknown operator 'gausian_blur'. Did you mean 'gaussian_blur'",
        "steps.2.parameters: 5 of them for 2 levels",
        "steps.2.parameters.1: -1 must be at least 0 (",
        "steps.2.parameters.2: True is not a number",
        "steps.2.parameters.3: '.' is not a number",
        "steps.2.parameters.4: nan is not a finite number",
        "steps.2.parameters.5: 1000000000000",
        "steps.3.strength: no such field; known: operator, parameters, parameter",
        "steps.3: needs either 'parameters', one per level, or one 'parameter'",
        "steps.4: must have an operator and its parameters, got 'jpeg'",
        "group: 'night' is none of blur, colour",
    ]
    faults = faults_of(raw)
    assert len(faults) == len(expected)
    for fault, start in zip(faults, expected, strict=True):
        assert fault.startswith(start)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": "jpeg"}, "id: 'jpeg' is a distortion of the catalogue (KADID-10k #10); choose"),
        ({"id": "Night"}, "id: must be small letters, 0-9 and _, a letter first; got 'Night'"),
        ({"name": "夜"}, "id: '夜' suggests none; give one: small letters, 0-9 and _"),
        ({"name": "JPEG"}, "id: 'jpeg' is a distortion of the catalogue"),
        ({"name": "a\0b"}, "name: holds a character that is no text"),
        ({"name": "\ud800x"}, "name: holds a character that is no text"),
        ({"name": None}, "name: is empty"),
        ({"levels": 4}, "steps.1.parameters: 3 of them for 4 levels"),
        ({"levels": 10**9}, "levels: must be 1 to 20, got 1000000000"),
        ({"levels": 0x10 ** 5000}, "levels: must be 1 to 20, got a huge number"),
        ({"steps": [{"operator": "darken", "parameters": [1]}] * 51},
         "steps: at most 50 are done to an image, got 51"),
        ({"levels": 3, "steps": []}, "levels: without steps there are none; leave it out"),
        ({"steps": "darken"}, "steps: must be a list, got 'darken'"),
        ({"steps": [{"operator": "darken", "parameter": 1}]}, "levels: is missing, and no step"),
        ({"steps": [{"operator": "darken", "parameters": []}]}, "levels: must be 1 to 20, got 0"),
        ({"steps": [{"operator": "darken", "parameters": 1}], "levels": 1},
         "steps.1.parameters: must be a list of one number per level, got 1"),
        ({"steps": [{"operator": 3, "parameters": [1]}]},
         "steps.1.operator: must be the id of an operator, got 3"),
        ({"steps": [{"operator": "murk", "parameters": [1]}]},
         "steps.1.operator: 'murk' is itself a recipe; write its steps out here"),
        ({"steps": [{"operator": "darken", "parameters": ["1e-3"]}]},
         "steps.1.parameters.1: '1e-3' is not a number; YAML takes it for text: write it with a "
         "point, as 1.0e-3"),
        ({"steps": [{"operator": "jpeg", "parameter": 101}], "levels": 1},
         "steps.1.parameter: 101 must be at least 1 and at most 100 ("),
    ],
)  # fmt: skip
def test_each_fault_says_what_to_do(change, fault):
    (said,) = faults_of({**NIGHT, **change}, (a_recipe(id="murk"),))
    assert said.startswith(fault)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"name: [", "night.yaml has 1 fault: line 1, column 8: expected the node content"),
        (b"name: a\nname: b", "line 1, column 1: the field 'name' stands 2 times"),
        (b"name: \xff", "byte 7 is not UTF-8; save the file as UTF-8"),
        (b"name: a\x00", "not valid YAML: unacceptable character"),
        (b"name: 2024-99-99", "not valid YAML: month must be in 1..12"),
        (b"name: " + b"[" * 5000, "not valid YAML: nested too deeply"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]", "name: must be text, got [["),
        (b"#" * 70_000, "it is longer than 65,536 bytes"),
        (b"- name", "it must be a mapping of fields"),
        (b"", "it must be a mapping of fields"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_with_the_place(tmp_path, content, fault):
    file = tmp_path / "night.yaml"
    file.write_bytes(content)
    with pytest.raises(InvalidConfigError) as caught:
        read_recipe(file)
    assert fault in str(caught.value)


def test_a_file_that_cannot_be_opened_or_written_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot read the recipe .*none\.yaml: No such file"):
        read_recipe(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"Cannot write the recipe .*/none/made\.yaml: No such"):
        write_recipe(a_recipe(), tmp_path / "none" / "made.yaml")


def test_steps_of_one_operator_must_agree_on_the_levels_too():
    with pytest.raises(ValidationError, match=r"one parameter per level, got \[2, 1\] of them"):
        a_recipe(("darken", (0.1, 0.2)), ("darken", (0.3,)))


def test_steps_follow_one_another_without_rounding(image):
    recipe = a_recipe(("mean_shift", (0.001,)), ("mean_shift", (0.001,)))
    grey = np.full((4, 4, 3), 0.5, np.float32)
    result = apply_to_floats(grey, "made", 1, seed=0, recipes=(recipe,))
    assert result == pytest.approx(0.502)
    light = a_recipe(("brighten", (0.4,)), ("darken", (0.4,)))
    there = apply_to_floats(image / np.float32(255), "brighten", 3, seed=0)
    back = apply_to_floats(there, "darken", 4, seed=0)
    both = apply_to_floats(image / np.float32(255), "made", 1, seed=0, recipes=(light,))
    assert np.array_equal(both, back)


def test_equal_steps_draw_different_noise_and_the_same_seed_the_same():
    grey = np.full((200, 200, 3), 128, np.uint8)

    def spread(*steps):
        noisy = apply_distortion(grey, "made", 1, seed=1, recipes=(a_recipe(*steps),))
        return noisy.astype(float).var()

    step = ("white_noise", (0.0005,))
    # Independent variances add; the same noise twice would give four times the variance.
    assert spread(step, step) / spread(step) == pytest.approx(2, rel=0.05)
    assert spread(step, step) == spread(step, step)


def test_it_is_stochastic_if_a_step_is_and_its_catalogue_entry_says_so():
    noisy = a_recipe(("darken", (0.1,)), ("white_noise", (0.1,)), id="noisy")
    dark = a_recipe(("darken", (0.1,)), id="dark")
    specs = catalogue((noisy, dark))
    assert (specs["noisy"].stochastic, specs["dark"].stochastic) == (True, False)
    assert specs["noisy"].source == f"recipe {noisy.hash[:12]}"
    assert operators((noisy, dark))["noisy"].spec == specs["noisy"]
    assert list(specs)[-2:] == ["noisy", "dark"]


def test_its_operator_can_be_sent_to_another_process(image):
    operator = operator_of("made", (a_recipe(("white_noise", (0.1,)), ("jpeg", (10,))),))
    again = pickle.loads(pickle.dumps(operator))
    floats = image / np.float32(255)
    here, there = (one.function(floats, 1, np.random.default_rng(2)) for one in (operator, again))
    assert np.array_equal(here, there)


@pytest.mark.parametrize("value", [0, 2, 0.5])
def test_only_a_level_is_a_parameter_of_it(value):
    operator = operator_of("made", (a_recipe(("darken", (0.1,))),))
    with pytest.raises(ConfigError, match=f"Made has levels 1 to 1, got {value}"):
        operator.function(np.zeros((1, 1, 3), np.float32), value, np.random.default_rng(0))


def test_an_operator_that_is_not_installed_is_named_and_harms_nothing_else(image):
    lost, kept = a_recipe(("lost_blur", (1,)), id="lost"), a_recipe(("darken", (0.1,)), id="kept")
    assert not catalogue((lost, kept))["lost"].has_operator
    with pytest.raises(ConfigError, match=r"needs an operator that is not installed here: lost_bl"):
        apply_distortion(image, "lost", 1, seed=0, recipes=(lost, kept))
    assert apply_distortion(image, "kept", 1, seed=0, recipes=(lost, kept)).mean() < image.mean()


def test_a_recipe_keeps_its_meaning_where_a_release_brings_the_same_id(image):
    own = a_recipe(("darken", (0.4,)), id="jpeg")
    assert np.array_equal(
        apply_distortion(image, "jpeg", 1, seed=0, recipes=(own,)),
        apply_distortion(image, "darken", 4, seed=0),
    )
    assert catalogue((own,))["jpeg"].source.startswith("recipe")
    assert catalogue()["jpeg"].source == "KADID-10k #10"


def test_an_unknown_distortion_finds_the_recipe_that_was_meant(image):
    with pytest.raises(UnknownNameError, match=r"Unknown distortion 'mad'\. Did you mean 'made'"):
        apply_distortion(image, "mad", 1, seed=0, recipes=(a_recipe(("darken", (0.1,))),))


def test_a_strip_is_the_image_at_every_level(image):
    recipe = a_recipe(("darken", (0.1, 0.3)))
    images = strip(image, "made", (recipe,))
    assert images.shape == (3, *image.shape)
    for level, shown in enumerate(images):
        assert np.array_equal(
            shown, apply_distortion(image, "made", level, seed=0, recipes=(recipe,))
        )
    joined = side_by_side(images)
    assert joined.shape == (24, 3 * 32 + 2 * 4, 3)
    assert np.array_equal(joined[:, 36:68], images[1])
    assert (joined[:, 32:36] == 255).all()


def test_a_stored_type_stays_what_it_was_when_the_catalogue_gains_one_of_its_id():
    stored = a_recipe(("jpeg", (40.0, 20.0)), id="haze", name="My veil")
    assert catalogue((stored,))["haze"].name == "My veil"
    assert operators((stored,))["haze"].spec.levels == stored.spec().levels
    assert catalogue()["haze"].name == "Haze"
