"""Verdicts, test-set access, quoted figures and undefined ones in sentences."""

from collections.abc import Mapping, Sequence

from workbench.domain.canonical import Frozen
from workbench.domain.comparison import (
    AccessCount,
    Comparison,
    ComparisonPair,
    Estimate,
    Interval,
    NamingVerdict,
    OverSeeds,
    QuotedRow,
    Verdict,
    WordsWorth,
)
from workbench.domain.metrics import Metric, Undefined
from workbench.domain.number_format import (
    count_text,
    figure_text,
    interval_text,
    p_text,
    signed_text,
)
from workbench.evaluation.test_set_access import MANY_ACCESSES

QUALITY_FIGURES = {
    "srcc": "SRCC",
    "plcc": "PLCC",
    "plcc_fitted": "PLCC fitted",
    "krcc": "KRCC",
    "rmse": "RMSE",
}
IDENTIFICATION_FIGURES = {
    "accuracy": "accuracy",
    "accuracy_present": "present only",
    "macro_f1": "macro F1",
    "mean_average_precision": "mAP",
    "top1_type": "top-1 type",
    "strength_srcc": "strength SRCC",
    "rmse": "RMSE",
}
# What the means over types are of a single one.
TYPE_FIGURES = {
    "macro_f1": "F1",
    "mean_average_precision": "AP",
    "strength_srcc": "strength SRCC",
}
CONTROLS = {
    "nonsense": "as many of nonsense",
    "shuffled": "its own under other types",
    "names": "the names of the types",
}
ALL_CLEAN = "always “clean”"

_Named = tuple[str, Frozen, Mapping[str, str]]  # whose figures, they, and the names of its fields


def verdict_lines(pair: ComparisonPair, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the headline of a pair: one word over both, *names the faults*, *predicts quality*.

    Takes what `verdict_sentence` does. A comparison of before naming was judged has its sentence on
    quality alone.

    Returns:
        Three lines: "curated against draft: better at naming, not distinguishable in quality.", and
        a sentence on each with its numbers.
    """
    quality = verdict_sentence(pair, labels)
    if pair.naming is None:
        return (quality,)
    a, b = (labels.get(key, key[:10]) for key in (pair.a, pair.b))
    return (
        f"{b} against {a}: {verdict_words(pair)}.",
        f"Names the faults: {_naming_sentence(pair.naming, a, b)}",
        f"Predicts quality: {quality}",
    )


def verdict_words(pair: ComparisonPair) -> str:
    """Return both verdicts on a pair in a few words; "better" alone is said of neither."""
    naming, quality = pair.naming and pair.naming.verdict, pair.verdict
    if naming is None:
        return f"no verdict on naming, {quality} in quality"
    if naming != quality:
        return f"{naming} at naming, {quality} in quality"
    if quality == "not distinguishable":
        return "not distinguishable at naming or in quality"
    return f"{quality} at naming and in quality"


def verdict_sentence(pair: ComparisonPair, labels: Mapping[str, str]) -> str:
    """Return a pair's verdict in plain English with its numbers.

    Args:
        pair: Version b against version a.
        labels: What the pair calls a version, to what people read; see `labels_of`.

    Returns:
        One or two sentences: "curated is not distinguishable from draft: ΔSRCC +0.012 (95 % −0.030
        to +0.050, p = .610); this set could have shown a difference of 0.060."
    """
    a, b = labels.get(pair.a, pair.a[:10]), labels.get(pair.b, pair.b[:10])
    evidence = _evidence("SRCC", pair.delta_srcc, pair.ci, pair.p, pair.p_holm, pair.p_looked)
    return _sentence(a, b, pair.verdict, evidence, pair.smallest_detectable, pair.reason)


def _naming_sentence(naming: NamingVerdict, a: str, b: str) -> str:
    main = naming.main
    if naming.verdict is None or main is None:
        return f"no verdict, {naming.reason}."
    name = IDENTIFICATION_FIGURES[main.figure]
    evidence = _evidence(name, main.delta, main.ci, main.p, main.p_holm, naming.p_looked)
    return _sentence(a, b, naming.verdict, evidence, main.smallest_detectable, naming.reason)


def _sentence(
    a: str, b: str, verdict: Verdict, evidence: str, smallest: Metric, reason: str
) -> str:
    claims = {
        "better": f"{b} is better than {a}",
        "worse": f"{b} is worse than {a}",
        "not distinguishable": f"{b} is not distinguishable from {a}",
    }
    sentence = f"{claims[verdict]}: {evidence}"
    if verdict == "not distinguishable" and isinstance(smallest, float):
        # 1 is the whole range of every figure but SRCC, whose differences never come near it.
        could = f"a difference of {figure_text(smallest)}" if smallest < 1 else "no difference"
        sentence += f"; this set could have shown {could}"
    return f"{sentence}. {reason}".strip()


def access_sentences(access: AccessCount) -> tuple[str, ...]:
    """Return how often a test set was accessed; from ten accesses on, what that means.

    Args:
        access: The count, the present access included.

    Example:
        >>> print(*access_sentences(AccessCount(test_hash="3f2a" * 16, looks=7, versions=4)))
        Test set 3f2a3f2a… accessed 7 times, 4 versions.
    """
    count = (
        f"Test set {access.test_hash[:8]}… accessed {count_text(access.looks, 'time')}, "
        f"{count_text(access.versions, 'version')}."
    )
    if access.looks < MANY_ACCESSES:
        return (count,)
    return (
        count,
        f"{access.looks:,} accesses: of ten equally good versions the best is called “better” in "
        "one case of seven, unless accesses are counted. Where a version was made in the light of "
        "these figures, no correction covers it; confirm the claim on photographs whose figures "
        "nobody has seen (split.locked, compare --locked).",
    )


def access_and_choice_sentences(access: AccessCount | None) -> tuple[str, ...]:
    """Return what the accesses to a test set do to the claims that a comparison makes on it.

    Args:
        access: The count, the present access included, with the best run of those accessed; None
            while nobody counted.
    """
    if access is None:
        return ()
    count, *many = access_sentences(access)
    choice = access.choice
    if choice is None:
        return (count, *many)
    factor = (
        f"Of {choice.candidates} candidates, each a version under a configuration, one was the "
        f"baseline: each p-value is multiplied by {choice.candidates - 1} (Bonferroni)."
    )
    best = (
        f"SRCC of the best of {choice.candidates} candidates (run {choice.chosen}), corrected for "
        f"choosing: {figure_text(choice.corrected)} ({interval_text(choice.ci)}), as it "
        f"stands {figure_text(choice.srcc)}."
    )
    return (count, *([factor] if choice.candidates > 2 else []), best, *many)


def quoted_sentences(rows: Sequence[QuotedRow]) -> tuple[str, ...]:
    """Return where published figures come from and why they cannot be compared, a line a source."""
    lines = []
    for source, protocol in dict.fromkeys((row.source, row.protocol) for row in rows):
        alike = [row for row in rows if (row.source, row.protocol) == (source, protocol)]
        differences = dict.fromkeys(reason for row in alike for reason in row.differences)
        remarks = "".join(
            f" {row.method} on {row.dataset}: {row.remark}." for row in alike if row.remark
        )
        lines.append(
            f"quoted: {source}, protocol: {protocol}. Not tested against: "
            f"{'; '.join(differences)}.{remarks}"
        )
    return tuple(lines)


def undefined_reasons(comparison: Comparison) -> tuple[str, ...]:
    """Return one line for every figure that does not exist, and why."""
    quality: list[_Named] = [(row.label, row, QUALITY_FIGURES) for row in comparison.rows]
    identification: list[_Named] = [
        *((row.label, row.identification, IDENTIFICATION_FIGURES) for row in comparison.rows),
        (ALL_CLEAN, comparison.all_clean, IDENTIFICATION_FIGURES),
    ]
    return tuple(
        f"{label}, {name}: {value.undefined}"
        for label, figures, names in quality + identification
        for field, name in names.items()
        if isinstance(value := getattr(figures, field), Undefined)
    )


def worth_sentences(comparison: Comparison) -> tuple[str, ...]:
    """Return what the words of each version are worth, one line each; none without controls."""
    return tuple(
        f"{row.label}: {words_worth_text(row.controls, row.attributes)}"
        for row in comparison.rows
        if row.controls
    )


def words_worth_text(worth: WordsWorth, attributes: int) -> str:
    """Return what the words are worth in a sentence or two, to go with every figure of quality."""
    if worth.quality is None:
        return f"What the words are worth is unknown: {worth.reason}."
    nonsense = next((one for one in worth.figures if one.name == "nonsense"), None)
    reached = figure_text(nonsense.srcc) if nonsense else "—"
    sentences = count_text(attributes, "sentence")
    by = f"{signed_text(worth.quality.value)} (95 % {interval_text(worth.quality.ci, signed=True)})"
    text = (
        f"{sentences} of nonsense reach an SRCC of {reached} on the same images; the words are "
        f"worth {by}."
        if is_above(worth.quality)
        else f"Any {sentences} may have predicted quality as well: nonsense reaches an SRCC of "
        f"{reached}, and the words add {by}."
    )
    if worth.naming is None:
        return text
    by = f"{signed_text(worth.naming.value)} (95 % {interval_text(worth.naming.ci, signed=True)})"
    if is_above(worth.naming):
        return f"{text} Naming faults, they are worth {by} of macro F1."
    return f"{text} They name the faults no better than nonsense: macro F1 {by}."


def is_above(estimate: Estimate) -> bool:
    """Return whether a figure lies above 0 with its whole interval."""
    return estimate.ci is not None and estimate.ci[0] > 0


def title_of(distortion: str) -> str:
    """Return a distortion's id as people read it; "clean" for no distortion."""
    return distortion.replace("_", " ") or "clean"


def _evidence(
    name: str,
    delta: Metric,
    ci: Interval | None,
    p: Metric,
    p_holm: Metric,
    p_looked: Metric | None,
) -> str:
    change = f"Δ{name} {signed_text(delta)}"
    if ci is None:
        return f"{change}, without an interval"
    words = p_text(p)
    words = words if words.startswith("<") else f"= {words}"
    if isinstance(p_holm, float) and p_holm != p:
        words += f", {p_text(p_holm)} after Holm"
    if isinstance(p_looked, float) and p_looked != p_holm:
        words += f", {p_text(p_looked)} after all accesses"
    return f"{change} (95 % {interval_text(ci, signed=True)}, p {words})"


def over_seeds_sentences(over: OverSeeds, labels: Mapping[str, str]) -> list[str]:
    """Return what several training seeds say of each pair."""
    sentences = []
    for pair in over.pairs:
        verdict = pair.verdict if pair.verdict == "not distinguishable" else f"{pair.verdict} than"
        joined = "from " if verdict == "not distinguishable" else ""
        sentences.append(
            f"With other photographs and other seeds: {labels[pair.b]} is {verdict} "
            f"{joined}{labels[pair.a]}: ΔSRCC {signed_text(pair.delta_srcc)} "
            f"(95 % {interval_text(pair.ci, signed=True)}, p {p_text(pair.p_holm)}); this set and "
            f"{len(over.seeds)} seeds could have shown a difference of "
            f"{figure_text(pair.smallest_detectable)}. {pair.reason}".rstrip()
        )
    return sentences
