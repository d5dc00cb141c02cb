from datetime import UTC, datetime

import pytest

from workbench.domain.comparison import Comparison, labels_of
from workbench.domain.metrics import Undefined
from workbench.errors import ConfigError
from workbench.evaluation.comparable import ComparedRuns
from workbench.evaluation.correlation import quality_metrics
from workbench.evaluation.identification import packed, unpacked
from workbench.evaluation.paired_comparison import compare_runs
from workbench.report.wording import verdict_sentence

from .comparison_factory import make_run, with_result

DRAFT = make_run(1, word="draft", noise=0.3)
CURATED = make_run(2, word="curated", noise=0.1, seed=5)
TWIN = make_run(3, word="expert", noise=0.1, seed=9)


def compare(*runs, labels=None, **options) -> Comparison:
    names = labels or ["draft", "curated", "expert"][: len(runs)]
    return compare_runs(ComparedRuns.of(runs, names), **{"resamples": 1000} | options)


def changed(run, field, **changes):
    """Return the run with a field of its protocol or encoder changed."""
    value = getattr(run.result, field).model_copy(update=changes)
    return with_result(run, **{field: value})


def test_a_clear_difference_is_found_and_named_from_a_to_b():
    comparison = compare(DRAFT, CURATED)
    (pair,) = comparison.pairs
    assert (pair.a, pair.b) == (DRAFT.version, CURATED.version)
    assert pair.verdict == "better"
    assert pair.delta_srcc == pytest.approx(CURATED.result.quality.srcc - DRAFT.result.quality.srcc)
    assert pair.ci[0] < pair.delta_srcc < pair.ci[1]
    assert compare(CURATED, DRAFT).pairs[0].verdict == "worse"


def test_rows_carry_the_runs_own_figures_and_intervals_around_them():
    comparison = compare(DRAFT, CURATED)
    for run, row in zip((DRAFT, CURATED), comparison.rows, strict=True):
        assert (row.run, row.version) == (run.id, run.version)
        assert row.attributes == run.result.attribute_count
        assert row.identification == run.result.identification
        for name in ("srcc", "plcc", "plcc_fitted", "krcc", "rmse"):
            assert getattr(row, name) == getattr(run.result.quality, name)
        assert row.srcc_ci[0] < row.srcc < row.srcc_ci[1]
        assert row.plcc_ci[0] < row.plcc < row.plcc_ci[1]
    assert comparison.all_clean == DRAFT.result.all_clean
    assert comparison.protocol == DRAFT.result.protocol
    assert comparison.encoder == DRAFT.result.encoder


def test_equally_good_versions_are_not_distinguishable():
    (pair,) = compare(CURATED, TWIN).pairs
    assert pair.verdict == "not distinguishable"
    assert pair.ci[0] < 0 < pair.ci[1]
    assert pair.smallest_detectable > abs(pair.delta_srcc)


def test_same_seed_same_comparison():
    assert compare(DRAFT, CURATED) == compare(DRAFT, CURATED)
    assert compare(DRAFT, CURATED, seed=1).pairs[0].ci != compare(DRAFT, CURATED).pairs[0].ci


def test_three_versions_make_three_pairs_corrected_by_holm():
    comparison = compare(DRAFT, CURATED, TWIN)
    assert len(comparison.pairs) == 3
    assert all(pair.p_holm >= pair.p for pair in comparison.pairs)
    assert [pair.verdict for pair in comparison.pairs] == [
        "better",
        "better",
        "not distinguishable",
    ]


def test_a_version_may_stand_alone():
    comparison = compare(DRAFT)
    assert comparison.pairs == ()
    assert comparison.rows[0].srcc_ci is not None


def test_two_runs_of_one_version_are_kept_apart():
    again = CURATED.model_copy(update={"id": 7})
    comparison = compare(CURATED, again, labels=["first", "second"])
    (pair,) = comparison.pairs
    assert labels_of(comparison) == {pair.a: "first", pair.b: "second"}
    assert pair.verdict == "not distinguishable"
    assert pair.reason == "No interval: leaving out any photograph changes nothing."
    assert any("more than one run" in note for note in comparison.notes)


def test_order_of_images_does_not_matter():
    backwards = {name: column[::-1] for name, column in CURATED.result.predictions}
    kept = CURATED.result.strengths
    last_first = {
        name: packed(unpacked(getattr(kept, name), types=len(kept.levels))[::-1])
        for name in ("true", "predicted")
    }
    turned = with_result(
        CURATED,
        predictions=CURATED.result.predictions.model_copy(update=backwards),
        strengths=kept.model_copy(update=last_first),
    )
    assert compare(DRAFT, turned) == compare(DRAFT, CURATED)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("queued", "Run 3 is still queued: start a worker"),
        ("running", "Run 3 is still running: wait until it is done"),
        ("failed", "Run 3 failed (the loss is no number): run its version again"),
        ("cancelled", "Run 3 was cancelled"),
        ("interrupted", "Run 3 was interrupted: resume it"),
        ("done", "Run 3 is done but has no result"),
    ],
)
def test_unfinished_runs_are_refused(status, text):
    unfinished = TWIN.model_copy(
        update={"status": status, "result": None, "error": "the loss is no number"}
    )
    with pytest.raises(ConfigError) as caught:
        compare(DRAFT, unfinished)
    assert text in str(caught.value)


def test_different_protocols_are_refused_with_every_difference_named():
    other = changed(CURATED, "protocol", split="by photograph, 10 folds, seed 1", images=99)
    with pytest.raises(ConfigError) as caught:
        compare(DRAFT, other)
    assert str(caught.value) == (
        "Runs 1 and 2 stand under different protocols and cannot be ranked together: "
        "split is 'by photograph, 5 folds, seed 0' and 'by photograph, 10 folds, seed 1'; "
        "images is 252 and 99. Run both versions under one configuration."
    )


def test_distortions_that_differ_are_listed():
    other = make_run(2, word="curated", distortions=("jpeg", "darken"))
    with pytest.raises(
        ConfigError, match=r"distortions is \[gaussian_blur, jpeg, .*\] and \[jpeg,"
    ):
        compare(DRAFT, other)


def test_different_encoders_are_refused():
    other = changed(CURATED, "encoder", name="ViT-B-32-quickgelu", trained=True, note="other words")
    with pytest.raises(ConfigError) as caught:
        compare(DRAFT, other)
    assert "different encoders" in str(caught.value)
    assert "name is 'offline' and 'ViT-B-32-quickgelu'; trained is False and True." in str(
        caught.value
    )


def changed_column(run, **columns):
    return with_result(run, predictions=run.result.predictions.model_copy(update=columns))


def test_different_images_targets_and_photographs_are_refused():
    held_out = CURATED.result.predictions
    renamed = changed_column(CURATED, image=("new", *held_out.image[1:]))
    with pytest.raises(
        ConfigError, match="1 only in run 1, 1 only in run 2, 'photo0/clean/0' among"
    ):
        compare(DRAFT, renamed)
    retargeted = changed_column(CURATED, target=(0.125, *held_out.target[1:]))
    with pytest.raises(
        ConfigError, match=r"disagree on the target of 'photo0/clean/0': 1.0 and 0.1"
    ):
        compare(DRAFT, retargeted)
    regrouped = changed_column(CURATED, photograph=("dog", *held_out.photograph[1:]))
    with pytest.raises(ConfigError, match="disagree on the photograph of .*: 'photo0' and 'dog'"):  # noqa: RUF043
        compare(DRAFT, regrouped)
    doubled = changed_column(CURATED, image=(held_out.image[1], *held_out.image[1:]))
    with pytest.raises(ConfigError, match="Run 2 lists 1 images twice"):
        compare(DRAFT, doubled)


def test_labels_and_counts_must_fit():
    with pytest.raises(ConfigError, match="nothing to compare"):
        compare_runs(ComparedRuns.of([], []))
    with pytest.raises(ConfigError, match="2 runs need as many labels, not 1"):
        compare(DRAFT, CURATED, labels=["draft"])
    with pytest.raises(ConfigError, match="Labels must be distinct, not x, x"):
        compare(DRAFT, CURATED, labels=["x", "x"])
    with pytest.raises(ConfigError, match="At least 200 resamples are needed, not 10"):
        compare(DRAFT, CURATED, resamples=10)


@pytest.mark.parametrize("photographs", [1, 2])
def test_fewer_than_three_photographs_give_figures_without_intervals(photographs):
    comparison = compare(
        make_run(1, word="draft", photographs=photographs),
        make_run(2, word="curated", photographs=photographs, seed=3),
    )
    assert [row.srcc_ci for row in comparison.rows] == [None, None]
    assert [row.plcc_ci for row in comparison.rows] == [None, None]
    (pair,) = comparison.pairs
    assert pair.verdict == "not distinguishable"
    assert pair.ci is None
    assert isinstance(pair.p, Undefined)
    assert f"{photographs} photograph" in pair.reason
    assert "and 3 are needed" in pair.reason
    assert isinstance(pair.delta_srcc, float)


def test_constant_predictions_are_a_typed_answer():
    held_out = CURATED.result.predictions
    flat = (0.5,) * len(held_out.image)
    constant = with_result(
        CURATED,
        quality=quality_metrics(held_out.target, flat),
        predictions=held_out.model_copy(update={"predicted": flat}),
    )
    comparison = compare(DRAFT, constant)
    assert comparison.rows[1].srcc == Undefined(undefined="the first argument is constant")
    assert comparison.rows[1].srcc_ci is None
    (pair,) = comparison.pairs
    assert "the SRCC of curated is undefined, the first argument is constant" in pair.reason
    assert pair.verdict == "not distinguishable"


def test_perfect_predictions_have_no_interval():
    held_out = CURATED.result.predictions
    perfect = with_result(
        CURATED,
        quality=quality_metrics(held_out.target, held_out.target),
        predictions=held_out.model_copy(update={"predicted": held_out.target}),
    )
    comparison = compare(DRAFT, perfect)
    assert comparison.rows[1].srcc == 1.0
    assert comparison.rows[1].srcc_ci is None
    assert comparison.pairs[0].verdict == "better"


def test_notes_say_what_is_weak_and_what_else_changed():
    slow = make_run(
        2, word="curated", photographs=5, settings={"seed": 7, "regressor": {"epochs": 9}}
    )
    comparison = compare(make_run(1, photographs=5), slow)
    notes = "\n".join(comparison.notes)
    assert "The image tower starts from random weights and is tuned whole." in notes
    assert "Only 5 photographs" in notes
    assert "regressor.epochs is 100 and 9; seed is 0 and 7" in notes


def test_settings_that_a_hash_leaves_out_at_their_default_are_told_whichever_run_is_first():
    changed = {"tuning": {"insertion": "after_cls"}, "regressor": {"kind": "linear"}}
    runs = [make_run(1), make_run(2, settings=changed)]
    for order, said in ((runs, "end and after_cls"), (runs[::-1], "after_cls and end")):
        notes = compare_runs(ComparedRuns.of(order, ["a", "b"]), resamples=300).notes
        assert any(f"tuning.insertion is {said}; regressor.kind is " in note for note in notes)


def test_the_sentence_names_the_difference_this_set_could_have_shown():
    comparison = compare(CURATED, TWIN, labels=["draft", "curated"])
    (pair,) = comparison.pairs
    known = pair.model_copy(
        update={
            "delta_srcc": 0.012, "ci": (-0.03, 0.05), "p": 0.61, "p_holm": 0.61,
            "smallest_detectable": 0.06,
        }
    )  # fmt: skip
    assert verdict_sentence(known, labels_of(comparison)) == (
        "curated is not distinguishable from draft: ΔSRCC +0.012 (95 % −0.030 to +0.050, "
        "p = .610); this set could have shown a difference of 0.060."
    )
    better = known.model_copy(
        update={"verdict": "better", "p": 0.0002, "p_holm": 0.0006, "reason": "It is less."}
    )
    assert verdict_sentence(better, {}).startswith(f"{pair.b[:10]} is better than {pair.a[:10]}: ")
    assert verdict_sentence(better, {}).endswith("p < .001, < .001 after Holm). It is less.")


def test_a_difference_below_seed_noise_is_said_to_be():
    target = DRAFT.result.predictions.target
    slightly = tuple(
        min(1.0, 0.97 * t + 0.03 * p)
        for t, p in zip(target, DRAFT.result.predictions.predicted, strict=True)
    )
    barely = tuple(
        0.96 * t + 0.04 * p for t, p in zip(target, DRAFT.result.predictions.predicted, strict=True)
    )
    runs = [
        with_result(
            run,
            quality=quality_metrics(target, predicted),
            predictions=DRAFT.result.predictions.model_copy(update={"predicted": predicted}),
        )
        for run, predicted in ((DRAFT, barely), (CURATED, slightly))
    ]
    (pair,) = compare(*runs).pairs
    assert pair.verdict == "better"
    assert pair.reason == "It is less than another tuning seed alone moves, about 0.01."


def test_the_comparison_survives_json():
    comparison = compare(DRAFT, CURATED)
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


def test_dates_of_the_runs_do_not_matter():
    later = CURATED.model_copy(update={"created_at": datetime(2030, 1, 1, tzinfo=UTC)})
    assert compare(DRAFT, later) == compare(DRAFT, CURATED)


def test_published_splits_make_a_test_descriptive():
    settings = {"split": {"published": "splits/KADID10K"}}
    runs = [make_run(n, word=word, settings=settings) for n, word in enumerate(("a", "b"), 1)]
    assert "descriptive only" in "\n".join(
        compare_runs(ComparedRuns.of(runs, ["a", "b"]), resamples=200).notes
    )
