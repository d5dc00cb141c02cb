import pytest

from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.drafting.lint import RememberedTexts, lint, lint_phrase, response_of
from workbench.errors import UnknownNameError

pytestmark = pytest.mark.slow

SET = AttributeSet.from_phrases(
    {
        "gaussian_blur": ["softened edges", "blurry hair"],
        "jpeg": ["square tiles", "the softened edge", "poor quality of walls"],
    }
)


@pytest.fixture
def everything(text, probe, pristine):
    return {"text": text, "probe": probe, "polarity": pristine}


def test_the_worst_comes_first_and_every_finding_has_reason_way_out_and_identity(everything):
    found = lint(SET, catalogue(), **everything)
    order = [("fault", "doubt", "hint").index(finding.severity) for finding in found]
    assert order == sorted(order)
    identities = {a.identity for some in SET.by_distortion.values() for a in some}
    assert all(f.reason and f.suggestion and f.identity in identities for f in found)


def test_of_a_pair_the_later_one_has_the_finding_and_names_the_other(everything):
    (finding,) = lint(SET, catalogue(), **everything, only=["duplicate"])
    assert (finding.distortion, finding.others) == ("jpeg", ("gaussian_blur: softened edges",))


def test_the_set_is_left_as_it_was(everything):
    before = SET.model_dump_json()
    lint(SET, catalogue(), **everything)
    lint_phrase("square tiles", "jpeg", SET, catalogue(), **everything)
    assert SET.model_dump_json() == before


def test_the_last_of_a_set_has_the_same_findings_typed_alone(everything):
    last = SET.by_distortion["jpeg"][-1]
    typed = lint_phrase(last.phrase, "jpeg", SET, catalogue(), **everything, identity=last.identity)
    assert typed
    assert typed == [f for f in lint(SET, catalogue(), **everything) if f.phrase == last.phrase]


def test_a_reworded_attribute_is_not_compared_with_itself(everything):
    first = SET.by_distortion["jpeg"][0]
    only = {**everything, "only": ["duplicate"]}
    assert lint_phrase("Square tile", "jpeg", SET, catalogue(), **only)
    assert not lint_phrase("Square tile", "jpeg", SET, catalogue(), **only, identity=first.identity)


@pytest.mark.parametrize("typed", ["", "  ", "There is a"])
def test_nothing_typed_nothing_said(typed, everything):
    assert lint_phrase(typed, "jpeg", SET, catalogue(), **everything) == []


def test_an_unknown_distortion_is_named(everything):
    with pytest.raises(UnknownNameError, match="Did you mean 'jpeg'"):
        lint_phrase("tiles", "jpg", SET, catalogue(), **everything)
    with pytest.raises(UnknownNameError, match="Did you mean 'jpeg'"):
        lint(AttributeSet.from_phrases({"jpg": ["tiles"]}), catalogue(), **everything)


def test_others_of_a_type_that_is_no_longer_known_are_no_hindrance(everything):
    among = AttributeSet.from_phrases({"removed": ["ragged outlines"], "jpeg": ["square tiles"]})
    found = lint_phrase("ragged outline", "jpeg", among, catalogue(), **everything)
    assert ("removed: ragged outlines",) in [finding.others for finding in found]


def test_remembered_texts_are_the_encoders_and_each_is_encoded_once(encoder):
    class Counting:
        asked = 0

        def encode_texts(self, sentences):
            self.asked += len(sentences)
            return encoder.encode_texts(sentences)

    counting = Counting()
    remembered = RememberedTexts(counting)
    for _ in range(2):
        found = remembered.encode_texts(["one", "two", "one"])
    assert counting.asked == 2
    assert found.tolist() == pytest.approx(encoder.encode_texts(["one", "two", "one"]), abs=1e-6)


def test_blur_is_heard_on_blurred_photographs(text, probe, pristine):
    response = response_of(
        "There is a softening of every edge.", text=text, probe=probe, polarity=pristine
    )
    curve = response.curve("gaussian_blur")
    assert curve.mean[-1] > curve.mean[0] + 0.2
    assert response.auc_row("gaussian_blur")["jpeg"] > 0.9
