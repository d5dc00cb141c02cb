"""The page Inspect over a really trained, really small model."""

import re
import shutil
from io import BytesIO
from threading import Lock

import numpy as np
import pytest
from PIL import Image

from tests.factories import make_result
from tests.inference.small_model import ATTRIBUTES, configured, grainy, trained, written
from workbench.app.photograph_scores import LARGEST_PIXELS, Loaded, Photograph, uploaded_photograph
from workbench.app.saliency_view import BY_CLEAN, map_of
from workbench.domain.config import EncoderConfig
from workbench.domain.distortion import Recipe, Step
from workbench.encoders import load_encoder
from workbench.errors import DataError
from workbench.inference import load_model, model_folder
from workbench.settings import read_settings

pytestmark = pytest.mark.slow

OWN = "Photographs of my own"


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory):
    """Return a function that trains and saves a small model; each kind once."""
    encoder = load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)
    kept = {}

    def saved(**kind):
        key = tuple(kind.items())
        if key not in kept:
            config = configured(**kind)
            folder = tmp_path_factory.mktemp("models") / "model"
            kept[key] = written(folder, *trained(encoder, config), config)
        return kept[key]

    return saved


@pytest.fixture
def finished(full_store, settings, trained_folder):
    """Return a function that puts a finished run with its model into the store."""

    def finish(**kind):
        config = configured(**kind)
        version = full_store.versions.freeze(ATTRIBUTES, message="two", author="ann", alias="duo")
        run = full_store.runs.enqueue(version.hash, config)
        full_store.runs.claim("here:1", only=run.id)
        full_store.runs.finish(run.id, make_result(run.version, run.config))
        folder = model_folder(settings, version.hash, config.hash)
        shutil.copytree(trained_folder(**kind), folder)
        return run, folder

    return finish


@pytest.fixture
def upload(page):
    """Return a function that opens the page and gives it a file."""

    def give(*files, **query):
        shown = page("inspect", **query).radio(key="source").set_value(OWN).run()
        kinds = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}
        given = [(name, data, kinds[name.rpartition(".")[2]]) for name, data in files]
        return shown.file_uploader(key=f"files of {OWN}").set_value(given).run()

    return give


def file_of(pixels, kind="PNG"):
    out = BytesIO()
    Image.fromarray(pixels).save(out, format=kind)
    return out.getvalue()


def plain(element):
    return element.value.replace("\\", "")


def captions(shown):
    return " ".join(plain(caption) for caption in shown.caption)


def bodies(shown, tag):
    return [box.proto.body for box in shown.get("html") if f"<{tag}" in box.proto.body]


def press(shown, label):
    return next(button for button in shown.button if button.label == label).click().run()


def quality(shown):
    return shown.metric[0].value


GRAIN = grainy(2, size=240)[0][1]


def test_without_a_model_the_way_to_one_is_told(page, full_store):
    shown = page("inspect")
    assert "No finished run has left a model yet" in shown.info[0].value
    assert not shown.selectbox


def test_a_model_is_named_by_experiment_version_and_run_and_says_where_it_comes_from(
    page, finished
):
    run, _ = finished()
    shown = page("inspect")
    (label,) = shown.selectbox(key="inspect-run").options
    assert label == f"{run.config.name} · version duo · run {run.id}"
    assert "It looks through the encoder offline (the workbench's own" in captions(shown)
    assert "It has learned from grainy pictures; quality there is made up." in captions(shown)
    assert "trained on these photographs" in captions(shown)


def test_of_two_runs_that_share_a_model_the_newer_is_offered(page, finished, full_store):
    older, _ = finished()
    newer = full_store.runs.enqueue(older.version, older.config)
    full_store.runs.claim("here:1", only=newer.id)
    full_store.runs.finish(newer.id, make_result(newer.version, newer.config))
    (label,) = page("inspect").selectbox(key="inspect-run").options
    assert label.endswith(f"run {newer.id}")


def test_no_figure_of_the_run_is_shown_and_no_look_is_recorded(page, finished, full_store):
    finished()
    shown = page("inspect")
    everything = captions(shown) + " ".join(bodies(shown, "table"))
    assert not re.search("SRCC|PLCC|RMSE", everything)
    assert full_store.access_log.list() == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_uploaded_photograph_gets_what_the_model_says_of_it(upload, finished, kind):
    _, folder = finished()
    data = file_of(GRAIN, kind)
    shown = upload((f"mine.{kind.lower()}", data))
    with Image.open(BytesIO(data)) as decoded:
        expected = load_model(folder).score(np.asarray(decoded))
    assert not shown.exception
    assert quality(shown) == f"{expected.quality:.3f}"
    strengths = next(body for body in bodies(shown, "table") if ">Strength<" in body)
    assert f"{expected.distortions['noise']:.2f}" in strengths
    assert f"width: {100 * expected.distortions['noise']:.1f}%" in strengths


def test_contributions_add_up_from_base_to_sum(upload, finished):
    finished()
    shown = upload(("mine.png", file_of(GRAIN)))
    table = next(body for body in bodies(shown, "table") if "All together" in body)
    last_cells = re.findall(r'<td class="figure">([+−.\d]+)</td></tr>', table)
    base, *added, total = (float(cell.replace("−", "-")) for cell in last_cells)
    assert len(added) == ATTRIBUTES.size
    assert base + sum(added) == pytest.approx(total, abs=0.0005 * (len(added) + 2))
    assert added == sorted(added)


def test_a_clipped_quality_says_what_the_model_meant(page, finished):
    finished(kind="linear", readout="probabilities", views="crops")  # beyond 1
    shown = page("inspect")
    (level,) = (one for one in shown.select_slider if one.label.startswith("Level"))
    shown = level.set_value(0).run()
    assert quality(shown) == "1.000"
    assert re.search(r"own number is 1\.\d+; what is above 1 is cut off", captions(shown))


def test_what_the_model_knows_is_offered_first_under_its_name(page, finished, full_store):
    finished()
    step = Step(operator="darken", parameters=(0.2, 0.7))
    full_store.recipes.add(
        Recipe(id="noise", name="Rain <&>", group="noise", explanation="Drops.", steps=(step,)),
        author="ann",
    )
    shown = page("inspect")
    first, *others = shown.selectbox(key="distortion").options
    assert first == "Rain <&>"
    assert all(one.endswith("(unknown to this model)") for one in others)
    assert any("Rain &lt;&amp;&gt;" in body for body in bodies(shown, "table"))
    assert "Rain &lt;&amp;&gt;, level 2" in bodies(shown, "figure")[0]


def test_what_shows_less_changes_the_model_s_answer_alone(upload, finished):
    _, folder = finished()
    shown = upload(("mine.png", file_of(GRAIN)))
    assert shown.multiselect[0].proto.select_all == 0  # Enter takes one away, never all
    shown = shown.multiselect[0].set_value(["noise", "blur: soft edges"]).run()
    noise, edges = (one for one in shown.slider if one.label.startswith("What is left of"))
    assert (noise.value, edges.value) == (100, 100)
    noise.set_value(30)
    shown = edges.set_value(0).run()
    model = load_model(folder)
    expected = model.weakened(model.score(GRAIN), {"noise": 0.3, "blur: soft edges": 0})
    told = next(plain(one) for one in shown.markdown if "would be" in one.value)
    assert f"The quality would be {expected.quality:.3f}** instead of {quality(shown)}" in told
    assert "the model's answer, not the world's" in captions(shown)


def test_a_model_of_embeddings_says_that_nothing_can_be_named(upload, finished):
    finished(given="embedding")
    shown = upload(("mine.png", file_of(GRAIN)))
    assert not shown.exception
    assert len(shown.info) == 2
    assert all("This model judges the picture as a whole" in box.value for box in shown.info)
    assert not shown.multiselect


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("broken.png", b"no image", "broken.png cannot be used: of no form that is known"),
        ("cut.png", file_of(GRAIN)[:9000], "cut.png cannot be used: "),
        ("glass.png", file_of(np.full((240, 240, 4), 99, np.uint8)), "are transparent"),
        ("small.jpg", file_of(GRAIN[:100], "JPEG"), "240x100 px, smaller than the encoder's"),
    ],
    ids=["corrupt", "broken off", "transparent", "too small"],
)
def test_a_photograph_that_cannot_be_used_is_one_plain_line(upload, finished, name, data, line):
    finished()
    shown = upload((name, data))
    assert not shown.exception
    (error,) = shown.error
    assert line in plain(error)
    assert "/tmp" not in plain(error)
    assert not shown.metric


def test_a_photograph_with_too_many_pixels_is_refused_not_scaled_down():
    data = file_of(np.zeros((2000, LARGEST_PIXELS // 2000 + 1, 3), np.uint8))
    with pytest.raises(DataError, match=r"big.png is 2001x2000 px; this page takes up to 4 mega"):
        uploaded_photograph("big.png", data)


def test_a_damaged_model_is_one_plain_line(page, finished):
    _, folder = finished()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    shown = page("inspect")
    assert not shown.exception
    assert "model.safetensors" in plain(shown.error[0])


def test_a_model_is_read_again_when_another_has_taken_its_place(page, finished):
    _, folder = finished()
    page("inspect")
    (folder / "model.json").write_text("{}")
    assert "model.json has the format None" in plain(page("inspect").error[0])


def test_a_map_is_drawn_when_asked_for_and_says_how_far_to_trust_it(upload, finished):
    finished()
    shown = upload(("mine.png", file_of(GRAIN)))
    assert len(bodies(shown, "figure")) == 1
    target = next(box for box in shown.selectbox if box.label == "What to look for")
    assert target.value == "noise"  # the strongest here
    shown = target.select("noise: grain").run()
    shown = press(shown, "Draw the map")
    assert not shown.exception
    assert 'alt="Map of noise: grain"' in bodies(shown, "figure")[-1]
    assert "nothing finer than squares of 32 px" in captions(shown)
    assert "A hint, no proof." in captions(shown)
    shown = shown.selectbox(key="way").select("Where the model looks at all").run()
    assert len(bodies(shown, "figure")) == 1
    assert "The same map for every attribute" in captions(shown)


def test_the_clean_photograph_is_used_for_a_map_where_it_is_known(page, upload, finished):
    finished()
    best, covering = ("Put the clean photograph back", "Cover the photograph")
    ready = page("inspect").selectbox(key="way").options
    own = upload(("mine.png", file_of(GRAIN))).selectbox(key="way").options
    assert ready[0].startswith(best)
    assert not any(way.startswith(covering) for way in ready)
    assert [way.startswith(covering) for way in own] == [False, True, False]


def test_by_the_clean_photograph_only_what_is_distorted_is_marked(trained_folder):
    loaded = Loaded(("here", 1), load_model(trained_folder()), Lock())
    clean, grain = np.full((224, 224, 3), 128, np.uint8), grainy()[0][-1]
    half = np.where(np.arange(224)[:, None] < 96, grain, clean)  # three columns of cells
    found = map_of(loaded, Photograph(half, "", clean), "noise", BY_CLEAN)
    assert found.cells[:, :, :3].max() > 0
    assert np.abs(found.cells[:, :, 3:]).max() < 1e-4


def test_several_photographs_are_told_together_and_one_in_detail(upload, finished):
    finished()
    broken = ("broken.png", b"no image")
    shown = upload(("b.png", file_of(GRAIN)), broken, ("a.png", file_of(grainy(3, size=240)[0][2])))
    assert not shown.exception
    assert "broken.png cannot be used" in plain(shown.error[0])
    table = next(body for body in bodies(shown, "table") if ">Strongest distortion<" in body)
    assert {"a.png", "b.png"} == set(re.findall(r"[ab]\.png", table))
    detail = shown.selectbox(key="detail")
    assert detail.options == ["b.png", "a.png"]
    first = quality(shown)
    shown = detail.select_index(1).run()
    assert quality(shown) != first
    assert [button.proto.label for button in shown.get("download_button")] == [
        "Download as CSV",
        "Download as JSON",
    ]


def test_another_model_stands_beside_it_and_both_are_in_the_link(page, finished):
    first, _ = finished()
    second, _ = finished(kind="linear")
    shown = page("inspect", run=str(first.id), beside=str(second.id))
    assert not shown.exception
    assert shown.selectbox(key="inspect-run").value == first.id
    assert len(shown.metric) == 3
    table = next(body for body in bodies(shown, "table") if "by both models" in body)
    assert f"run {first.id}" in table
    assert f"run {second.id}" in table


def test_a_link_to_a_run_without_a_model_says_so(page, finished):
    run, _ = finished()
    shown = page("inspect", run="99")
    assert "names the run '99', which has no model here" in plain(shown.warning[0])
    assert shown.selectbox(key="inspect-run").value == run.id


def test_a_picture_unlike_the_training_is_flagged(upload, finished):
    _, folder = finished()
    flat = np.full((240, 240, 3), 7, np.uint8)
    shown = upload(("flat.png", file_of(flat)))
    score = load_model(folder).score(flat)
    told = [plain(one) for one in shown.warning]
    assert told == ([score.unlike.words] if score.unlike.flagged else [])


def test_each_photograph_offers_its_own_strongest_distortion(upload, finished):
    _, folder = finished()
    stripes = np.tile(np.array([0, 255], np.uint8).repeat(8), 15)[None, :, None]
    stripes = np.broadcast_to(stripes, (240, 240, 3)).copy()
    shown = upload(("grain.png", file_of(GRAIN)), ("stripes.png", file_of(stripes)))
    model = load_model(folder)
    for index, pixels in enumerate((GRAIN, stripes)):
        shown = shown.selectbox(key="detail").select_index(index).run()
        strengths = model.score(pixels).distortions
        target = next(box for box in shown.selectbox if box.label == "What to look for")
        assert target.value == max(strengths, key=strengths.__getitem__)
