"""Measure what improving with evidence is worth, beside asking blind with as many calls.

    python -m experiments.improve [PHOTOGRAPHS] [--rounds 1] [--folds 3] [--home FOLDER]
    python -m experiments.improve [PHOTOGRAPHS] --planted

PHOTOGRAPHS is a folder, or "packaged". Those of its test set are never read; the others are
held out in turn, in as many folds as there are seeds: what is chosen has not seen those held out.
Calls are kept below --home: started again, only what is missing is asked. Prints the table of
docs/improving.md as Markdown after each fold. Nearly all of the time goes to the model.
With --planted no model is asked: faults are planted into the curated set, one at a time, and it is
counted how many are found on the search part, and how many curated sentences are called faulty.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.datasets.photographs import photograph_files
from workbench.distortions import catalogue
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.config import EncoderConfig
from workbench.domain.distortion import Distortion
from workbench.drafting.client import LanguageModel
from workbench.drafting.draft_attributes import DraftOptions, draft_attributes
from workbench.drafting.improvement import DEFAULT_OBJECTIVE, Bench, PhotographParts
from workbench.drafting.improvement.budget import Budget
from workbench.drafting.improvement.measuring import faults_of
from workbench.drafting.improvement.search import Ask, search
from workbench.drafting.lint import RememberedTexts, load_probe
from workbench.drafting.lint.probe import Probe
from workbench.drafting.lint.statistics import interval_of_mean
from workbench.drafting.local_server import open_language_model
from workbench.drafting.templates import PromptContext
from workbench.encoders import load_encoder
from workbench.settings import read_settings, resource
from workbench.store import Store, open_store
from workbench.store.text import read_attributes
from workbench.training.prompt_pairs import sentence_pairs
from workbench.workflow.drafting import draft_candidates
from workbench.workflow.improve import ImproveOptions, asking, confirm

TYPES = ("color_quantization", "darken", "gaussian_blur", "impulse_noise", "jpeg", "motion_blur",
         "pixelate", "white_noise")  # those of experiments/demo.yaml  # fmt: skip
SEARCH = 0.75  # of the photographs that are not held out; the others confirm
NONSENSE = (
    "wise decision of the committee",
    "an unpaid invoice",
    "seven friendly questions",
    "the price of a train ticket",
    "a polite reply to a letter",
)
FIGURES = ("top-1 type", "strength SRCC", "specificity", "score")
START, BLIND, BETTER = "drafted", "drafted again, blind", "improved with evidence"
Indices = NDArray[np.int64]
Table = NDArray[np.float64]  # one row per held-out photograph, one column per figure


@dataclass
class Asked:
    """An `Ask` that keeps what came, by type."""

    ask: Ask
    came: dict[str, list[str]] = field(default_factory=dict)

    def __call__(
        self, spec: Distortion, context: PromptContext, turn: int
    ) -> tuple[Attribute, ...]:
        """Ask."""
        answer = self.ask(spec, context, turn)
        self.came.setdefault(spec.id, []).extend(a.phrase for a in answer)
        return answer


def part_of(probe: Probe, wanted: Indices) -> Probe:
    """Return the probe of some of its photographs alone."""
    return replace(
        probe,
        photographs=tuple(probe.photographs[i] for i in wanted),
        embeddings={d: table[wanted] for d, table in probe.embeddings.items()},
    )


def blind(store: Store, model: LanguageModel, seed: int) -> Ask:
    """Return a function that asks with the drafting template, whatever was measured."""

    def ask(spec: Distortion, _context: PromptContext, turn: int) -> tuple[Attribute, ...]:
        options = DraftOptions(seed=seed)
        return draft_attributes(
            spec, model, options, sample=turn + 1, log=store.calls.add, recall=store.calls.find
        )

    return ask


def improved(
    start: AttributeSet, ask: Ask, searching: Bench, confirming: Bench, seed: int, rounds: int
) -> tuple[AttributeSet, int]:
    """Return the set with every confirmed change made, and how many sentences were tried."""
    found = search(
        start, searching, ask, wanted=TYPES, rounds=rounds, budget=Budget(), seed=seed,
        progress=_silent,
    )  # fmt: skip
    phrases = {d: list(own) for d, own in start.phrases().items()}
    for change, _ in confirm(start, found, confirming):
        phrases[change.distortion][change.place] = change.new
    return AttributeSet.from_phrases(phrases), found.tried


def _silent(_share: float, _what: str) -> None:
    """Say nothing."""


def swapped(
    start: AttributeSet, like: AttributeSet, came: Mapping[str, Sequence[str]], seed: int
) -> AttributeSet:
    """Return the set with as many sentences of each type replaced as in another, at random."""
    generator = np.random.default_rng(seed)
    phrases = {d: list(own) for d, own in start.phrases().items()}
    for d, own in phrases.items():
        count = sum(one != other for one, other in zip(own, like.phrases()[d], strict=True))
        pool = sorted(set(came.get(d, ())) - set(own))
        places = generator.choice(len(own), min(count, len(pool)), replace=False)
        for place, new in zip(places, generator.permutation(pool), strict=False):
            own[place] = str(new)
    return AttributeSet.from_phrases(phrases)


def redrafted(
    store: Store, model: LanguageModel, start: AttributeSet, seed: int, rounds: int
) -> AttributeSet:
    """Return the best of the pooled samples, as `workbench draft --samples` takes them."""
    options = DraftOptions(samples=1 + rounds, seed=seed)
    chosen = {}
    for d, found in draft_candidates(store, TYPES, model, options):
        if isinstance(found, Exception):
            chosen[d] = start.phrases()[d]
        else:
            chosen[d] = tuple(c.attribute.phrase for c in found[: options.k])
    return AttributeSet.from_phrases({d: chosen[d] for d in TYPES})


def figures(attributes: AttributeSet, known: Bench, held_out: Bench) -> Table:
    """Return the figures of a set on each held-out photograph, (P, 4).

    The type is named by a multinomial regression on the log-odds of all sentences, fitted on the
    photographs that are not held out.
    """
    columns = [
        np.mean([getattr(e, name) for e in measured], axis=0)
        for name in ("srccs", "rival_wins")
        for measured in [[e for d in TYPES for e in held_out.evidence(d, attributes.phrases()[d])]]
    ]
    scores = [
        held_out.by_photograph(held_out.evidence(d, own)) for d, own in attributes.phrases().items()
    ]
    return np.stack([named(attributes, known, held_out), *columns, np.mean(scores, axis=0)], axis=1)


def named(attributes: AttributeSet, known: Bench, held_out: Bench) -> NDArray[np.float64]:
    """Return the share of distorted images of each held-out photograph whose type is named."""
    phrases = [phrase for own in attributes.phrases().values() for phrase in own]
    directions = np.stack([np.subtract(*pair) for pair in known_vectors(known, phrases)])
    x, y = read(known.probe, directions)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(x.reshape(-1, x.shape[-1]), y.ravel())
    x, y = read(held_out.probe, directions)
    said = model.predict(x.reshape(-1, x.shape[-1])).reshape(y.shape)
    return np.asarray((said == y).mean(1))


def known_vectors(bench: Bench, phrases: Sequence[str]) -> NDArray[np.float32]:
    """Return the embeddings of the sentences of each phrase, (A, 2, E)."""
    sentences = [sentence for pair in bench.polarity(phrases) for sentence in pair]
    return np.asarray(bench.text.encode_texts(sentences).cpu().numpy()).reshape(len(phrases), 2, -1)


def read(
    probe: Probe, directions: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the log-odds of each distorted image, (P, D·L, A), and its type's index, (P, D·L)."""
    tables = [probe.scale * (probe.embeddings[d][:, 1:] @ directions.T).mean(2) for d in TYPES]
    types = [np.full(table.shape[:2], index) for index, table in enumerate(tables)]
    return np.concatenate(tables, axis=1).astype(np.float64), np.concatenate(types, axis=1)


def with_interval(values: NDArray[np.float64]) -> str:
    """Return a mean over photographs with its 95 % interval."""
    low, high = interval_of_mean(values[:, None])
    return f"{values.mean():+.3f} [{low[0]:+.3f}, {high[0]:+.3f}]"


def planted(probe: Probe, bench: Bench) -> Iterator[str]:
    """Yield, per kind of planted fault, how many were found, and curated sentences at fault."""
    curated = read_attributes(resource("attribute_db/curated")).phrases()
    yield f"{len(probe.photographs)} photographs, {len(TYPES)} types"
    flagged = sum(
        bool(faults_of(measured, place, bench.catalogue))
        for measured in (bench.evidence(d, curated[d]) for d in TYPES)
        for place in range(len(measured))
    )
    yield f"curated sentences at fault: {flagged} of {sum(len(curated[d]) for d in TYPES)}"
    found: dict[str, list[bool]] = {}
    for number, d in enumerate(TYPES):
        neighbour = TYPES[(number + 3) % len(TYPES)]
        for place, _ in enumerate(curated[d]):
            source = (place + 1) % len(curated[d])
            for kind, phrase in (
                ("nonsense", NONSENSE[(number + place) % len(NONSENSE)]),
                ("another type's", curated[neighbour][place]),
                ("doubled", f"clearly {curated[d][source]}"),
            ):
                phrases = list(curated[d])
                phrases[place] = phrase
                measured = bench.evidence(d, phrases)
                at = {place, source} if kind == "doubled" else {place}  # the later one has it
                hit = any(faults_of(measured, index, bench.catalogue) for index in at)
                found.setdefault(kind, []).append(hit)
    for kind, hits in found.items():
        yield f"planted and found, {kind}: {sum(hits)} of {len(hits)}"


def report(tables: Mapping[str, Sequence[Table]]) -> str:
    """Return the means of all sets, and the differences that count, as Markdown."""
    joined = {name: np.concatenate(found) for name, found in tables.items()}
    heads = " | ".join(FIGURES) + " |\n|---" + "|---" * len(FIGURES) + "|"
    lines = [f"\n| set | {heads}"]
    lines += [
        f"| {name} | " + " | ".join(f"{value:.3f}" for value in table.mean(0)) + " |"
        for name, table in joined.items()
    ]
    lines.append(f"\n| difference | {heads}")
    for name, other in [(name, START) for name in joined if name != START] + [(BETTER, BLIND)]:
        cells = [with_interval(column) for column in (joined[name] - joined[other]).T]
        lines.append(f"| {name} less {other} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="?", default="packaged")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--home", type=Path, default=Path("experiments/results/improve"))
    parser.add_argument("--planted", action="store_true")
    wanted = parser.parse_args()
    wanted.home.mkdir(parents=True, exist_ok=True)
    settings = read_settings()
    files = photograph_files(wanted.photographs)
    parts = PhotographParts.of(files)
    open_files = {name: files[name] for name in sorted((*parts.search, *parts.validation))}
    encoder = load_encoder(EncoderConfig(name="offline"), settings, seed=0)
    specs = [catalogue()[d] for d in TYPES]
    probe = load_probe(encoder, specs, cache=wanted.home, photographs=open_files)
    text = RememberedTexts(encoder)
    polarity = partial(sentence_pairs, polarity=encoder.default_polarity)

    def bench(index: Indices) -> Bench:
        return Bench(part_of(probe, index), catalogue(), text, polarity, DEFAULT_OBJECTIVE)

    if wanted.planted:
        names = list(open_files)
        searched = bench(np.array([names.index(name) for name in parts.search]))
        print("\n".join(planted(searched.probe, searched)))
        return
    tables: dict[str, list[Table]] = {}
    with (
        open_store(f"sqlite:///{wanted.home / 'calls.sqlite'}") as store,
        open_language_model(settings) as model,
    ):
        drafted = {
            spec.id: draft_attributes(spec, model, log=store.calls.add, recall=store.calls.find)
            for spec in specs
        }
        start = AttributeSet.from_phrases(
            {d: [a.phrase for a in own] for d, own in drafted.items()}
        )
        for fold in range(wanted.folds):
            order = np.random.default_rng(0).permutation(np.arange(len(open_files)))
            held = order[fold :: wanted.folds]
            rest = np.random.default_rng(fold).permutation(np.setdiff1d(order, held))
            cut = round(SEARCH * len(rest))
            searching, confirming = bench(rest[:cut]), bench(rest[cut:])
            known, held_out = bench(rest), bench(held)
            budget = Budget()
            options = ImproveOptions(rounds=wanted.rounds, seed=fold)
            told = Asked(asking(store, model, options, budget))
            better, tried = improved(start, told, searching, confirming, fold, wanted.rounds)
            chosen, tried_blind = improved(
                start, blind(store, model, fold), searching, confirming, fold, wanted.rounds
            )
            arms = {
                START: start,
                BLIND: redrafted(store, model, start, fold, wanted.rounds),
                "random swap": swapped(start, better, told.came, fold),
                "asked blind, measured": chosen,
                BETTER: better,
            }
            for name, attributes in arms.items():
                tables.setdefault(name, []).append(figures(attributes, known, held_out))
            changed = sum(
                one != other
                for d in TYPES
                for one, other in zip(start.phrases()[d], better.phrases()[d], strict=True)
            )
            print(f"\nseed {fold}: {cut} search, {len(rest) - cut} confirm, {len(held)} held out")
            print(f"{budget.spent_calls} calls, {tried} sentences tried, {changed} replaced")
            print(f"asked blind: {tried_blind} tried\n{report(tables)}", flush=True)


if __name__ == "__main__":
    main()
