import pytest

from tests.drafting.lint.bad_sentences import BAD, HELD_OUT
from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.drafting.lint import lint, lint_phrase, rules
from workbench.settings import resource
from workbench.store.text import read_attributes

pytestmark = pytest.mark.slow

REPETITIONS = {"duplicate", "near_duplicate", "same_meaning"}
NOT_IMAGES = [name for name, rule in rules().items() if rule.needs != "images"]


@pytest.fixture(scope="module")
def on_curated(text, pristine):
    curated = read_attributes(resource("attribute_db/curated"), origin="curated")
    return lint(curated, catalogue(), text=text, polarity=pristine)


def recall(rule, cases, text, pristine):
    """Return the share of sentences about which the rule, or its kin, has something to say."""
    accepted = REPETITIONS if rule == "same_meaning" else {rule}
    found = 0
    for distortion, phrase, *other in cases:
        among = AttributeSet.from_phrases({d: [words] for d, words in other})
        findings = lint_phrase(phrase, distortion, among, catalogue(), text=text, polarity=pristine)
        found += bool(accepted & {finding.rule for finding in findings})
    return found / len(cases)


@pytest.mark.parametrize("rule", BAD)
def test_bad_sentences_are_told(rule, text, pristine):
    least = 0.45 if rule == "same_meaning" else 1.0  # MiniLM hears rewording, not true synonyms
    assert recall(rule, BAD[rule], text, pristine) >= least


@pytest.mark.parametrize("rule", HELD_OUT)
def test_bad_sentences_that_nobody_tuned_on_are_mostly_told(rule, text, pristine):
    assert recall(rule, HELD_OUT[rule], text, pristine) >= 0.6


@pytest.mark.parametrize("rule", NOT_IMAGES)
def test_no_rule_on_text_speaks_up_on_more_than_two_percent_of_the_curated_set(rule, on_curated):
    assert sum(finding.rule == rule for finding in on_curated) <= 0.02 * 5 * len(catalogue())


@pytest.mark.parametrize(
    ("distortion", "phrase"),
    [
        ("impulse_noise", "isolated black and white dots"),
        ("color_shift", "misregistered layers as in a poor colour print"),
        ("fast_fading", "wide band of smeared, swirling detail"),
        ("jpeg2000_transmission_errors", "local swirls and ripples beside flawless areas"),
        ("comfort_noise", "grass or hair that looks plausible but slightly artificial"),
        ("pink_noise", "coloured clouds drifting over the whole picture"),
        ("non_eccentricity_patch", "bits of texture doubled side by side"),
        ("jpeg2000_transmission_errors", "region turned blurry as if wiped by a wet finger"),
    ],
)
def test_what_only_sounds_like_a_fault_is_left_alone(distortion, phrase, text, pristine):
    empty = AttributeSet(by_distortion={})
    assert lint_phrase(phrase, distortion, empty, catalogue(), text=text, polarity=pristine) == []


def among(*siblings, distortion="jpeg"):
    return AttributeSet.from_phrases({distortion: siblings})


@pytest.mark.parametrize(
    ("first", "second"),
    [("faded colours", "absence of any vivid colour"), ("more dots than lines", "less light")],
)
def test_a_negation_or_another_topic_is_no_contradiction(first, second, pristine):
    found = lint(among(first, second), catalogue(), polarity=pristine)
    assert "contradicts_sibling" not in {finding.rule for finding in found}


def test_a_contradiction_is_a_hint_where_the_distortion_goes_both_ways(pristine):
    both = among("more contrast", "less contrast", distortion="mean_shift")
    (finding,) = lint(both, catalogue(), polarity=pristine)
    assert (finding.rule, finding.severity) == ("contradicts_sibling", "hint")
    assert "goes both ways" in finding.suggestion


def test_too_long_gives_the_real_count_of_the_tokenizer(text, pristine):
    phrase = " ".join(["soft"] * 130)
    found = lint_phrase(
        phrase, "jpeg", among(), catalogue(), text=text, polarity=pristine, only=["too_long"]
    )
    # 130 words, "there is … in the photo." and two marks
    assert found[0].figures == {"tokens": 130 + 2 + 3 + 1 + 2, "context_length": 128}


def test_a_negative_that_reads_like_the_positive_has_collapsed(text):
    def same(phrases):
        return [(f"There is {phrase}.", f"There is {phrase}.") for phrase in phrases]

    (finding,) = lint(
        among("blocks"), catalogue(), text=text, polarity=same, only=["polarity_collapse"]
    )
    assert finding.figures["cosine"] > 0.95
    assert "take another polarity template" in finding.suggestion
