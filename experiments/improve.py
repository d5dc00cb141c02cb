"""Measure what improving with evidence is worth, beside drafting blind with as many calls.

    python -m experiments.improve [PHOTOGRAPHS] [--types new] [--rounds 3] [--home FOLDER]
    python -m experiments.improve [PHOTOGRAPHS] [--types new] --claim

PHOTOGRAPHS is a folder, or "packaged". Without --claim those of its test set are never read; the
others are held out in turn, a fold for each seed: what is chosen has not seen those held out.
With --claim each of the seeds searches on the search part and confirms on the validation part,
and the test set is read, once, for the figures. Calls are kept below --home: started again, only
what is missing is asked. Nearly all of the time goes to the model.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
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
from workbench.drafting.candidates import pooled
from workbench.drafting.client import LanguageModel
from workbench.drafting.draft_attributes import DraftOptions, draft_attributes
from workbench.drafting.improvement import DEFAULT_OBJECTIVE, Bench, PhotographParts
from workbench.drafting.improvement.search import Ask, Budget, search
from workbench.drafting.lint import RememberedTexts, load_probe
from workbench.drafting.lint.probe import Probe
from workbench.drafting.lint.statistics import interval_of_mean, photograph_srccs
from workbench.drafting.local_server import open_language_model
from workbench.drafting.templates import PromptContext
from workbench.encoders import load_encoder
from workbench.settings import read_settings, resource
from workbench.store import Store, open_store
from workbench.store.text import read_attributes
from workbench.training.prompt_pairs import sentence_pairs
from workbench.workflow.improve import ImproveOptions, asking, confirm

TYPES = ("color_quantization", "darken", "gaussian_blur", "impulse_noise", "jpeg", "motion_blur",
         "pixelate", "white_noise")  # those of experiments/demo.yaml  # fmt: skip
NEW = ("chromatic_aberration", "high_frequency_noise", "masked_noise", "smoke",
       "uneven_illumination")  # the encoder was not trained on these  # fmt: skip
SEARCH = 0.75  # of the photographs that are not held out; the others confirm
FIGURES = ("top-1 type", "strength SRCC", "sentence SRCC", "specificity", "score",
           "top-1, regression")  # fmt: skip
START, BLIND, SWAP = "drafted", "drafted again, blind", "random swap"
BETTER, CURATED = "improved with evidence", "curated"
DRAWS = 3
Answer = tuple[Attribute, ...]
Indices = NDArray[np.int64]
Table = NDArray[np.float64]  # one row per held-out photograph, one column per figure


@dataclass
class Asked:
    """An `Ask` that keeps what came, by type, and counts."""

    ask: Ask
    came: dict[str, list[str]] = field(default_factory=dict)
    count: int = 0

    def __call__(self, spec: Distortion, context: PromptContext, turn: int) -> Answer:
        """Ask."""
        self.count += 1
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


def drawn(store: Store, model: LanguageModel, number: int, spec: Distortion) -> Answer:
    """Return one of the DRAWS answers of the drafting template, which all seeds share.

    A seed takes them in its own order, so that asking anew costs no call of its own.
    """
    options = DraftOptions(seed=number % DRAWS)
    return draft_attributes(
        spec, model, options, sample=1, log=store.calls.add, recall=store.calls.find
    )


def blind(store: Store, model: LanguageModel, seed: int) -> Ask:
    """Return a function that asks with the drafting template, whatever was measured."""
    return lambda spec, _context, turn: drawn(store, model, seed + turn, spec)


def by_turns(store: Store, model: LanguageModel, seed: int, rounds: int) -> Ask:
    """Return a function that asks as `workbench improve` does: anew, then with evidence."""
    told = asking(store, model, ImproveOptions(rounds=rounds, seed=seed), Budget())
    return lambda spec, context, turn: (
        told(spec, context, turn) if turn % 2 else drawn(store, model, seed + turn // 2, spec)
    )


def improved(
    start: AttributeSet,
    ask: Ask,
    searching: Bench,
    confirming: Bench,
    seed: int,
    rounds: int,
    only: Sequence[str] = (),
) -> tuple[AttributeSet, int]:
    """Return the set with every confirmed change made, and how many sentences were tried."""
    found = search(
        start, searching, ask, wanted=only or tuple(start.by_distortion), rounds=rounds,
        budget=Budget(), seed=seed, progress=_silent,
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
    chosen = {}
    for d, first in start.by_distortion.items():
        more = [drawn(store, model, seed + turn, catalogue()[d]) for turn in range(rounds)]
        chosen[d] = [found.attribute.phrase for found in pooled([first, *more])[: len(first)]]
    return AttributeSet.from_phrases(chosen)


def figures(attributes: AttributeSet, known: Bench, held_out: Bench) -> Table:
    """Return the figures of a set on each held-out photograph, (P, 6).

    The strength of a type is the mean probability of its sentences, and the type that is named is
    the one of most strength (METHOD, section 1, step 3, with equal weights and untuned towers). The
    last column names it by a multinomial regression on the log-odds of all sentences instead,
    fitted on the photographs that are not held out.
    """
    evidence = {d: held_out.evidence(d, own) for d, own in attributes.phrases().items()}
    every = [each for own in evidence.values() for each in own]
    strengths = {d: strength(held_out, own) for d, own in attributes.phrases().items()}
    columns = [
        top_1(strengths),
        np.mean(
            [photograph_srccs(held_out.probe.strengths[d], own[d]) for d, own in strengths.items()],
            axis=0,
        ),
        np.mean([each.srccs for each in every], axis=0),
        np.mean([each.rival_wins for each in every], axis=0),
        np.mean([held_out.by_photograph(own) for own in evidence.values()], axis=0),
        named(attributes, known, held_out),
    ]
    return np.stack(columns, axis=1)


def strength(bench: Bench, phrases: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the mean probability of some sentences on the images of each type, (P, L+1)."""
    pairs = known_vectors(bench, phrases)
    return {
        d: np.mean([bench.probe.table(pair, d) for pair in pairs], axis=0)
        for d in bench.probe.distortions
    }


def top_1(strengths: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Return the share of distorted images of each photograph whose type has most strength."""
    right = [
        np.stack([strengths[name][d][:, 1:] for name in strengths]).argmax(0) == index
        for index, d in enumerate(strengths)
    ]
    return np.asarray(np.concatenate(right, axis=1).mean(1))


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
    tables = [
        probe.scale * (images[:, 1:] @ directions.T).mean(2) for images in probe.embeddings.values()
    ]
    types = [np.full(table.shape[:2], index) for index, table in enumerate(tables)]
    return np.concatenate(tables, axis=1).astype(np.float64), np.concatenate(types, axis=1)


def with_interval(values: NDArray[np.float64]) -> str:
    """Return a mean over photographs with its 95 % interval."""
    low, high = interval_of_mean(values[:, None])
    return f"{values.mean():+.3f} [{low[0]:+.3f}, {high[0]:+.3f}]"


def report(tables: Mapping[str, Sequence[Table]], *, claim: bool) -> str:
    """Return the means of all sets, and the differences that count, as Markdown."""
    joined = {
        name: np.mean(found, axis=0) if claim else np.concatenate(found)
        for name, found in tables.items()
    }
    heads = " | ".join(FIGURES) + " |\n|---" + "|---" * len(FIGURES) + "|"
    lines = [f"\n| set | {heads}"]
    lines += [
        f"| {name} | " + " | ".join(f"{value:.3f}" for value in table.mean(0)) + " |"
        for name, table in joined.items()
    ]
    lines.append(f"\n| difference | {heads}")
    against = [(name, START) for name in joined if name not in (START, CURATED)]
    for name, other in [*against, (BETTER, BLIND), (BETTER, SWAP)]:
        cells = [with_interval(column) for column in (joined[name] - joined[other]).T]
        lines.append(f"| {name} less {other} | " + " | ".join(cells) + " |")
    gains = (
        better[:, 0].mean() - start[:, 0].mean()
        for better, start in zip(tables[BETTER], tables[START], strict=True)
    )
    lines.append("\ntop-1 gained, seed by seed: " + ", ".join(f"{gain:+.3f}" for gain in gains))
    return "\n".join(lines)


@dataclass(frozen=True)
class Split:
    """What is searched, confirmed on and held out, as indices of photographs."""

    searched: Indices
    confirming: Indices
    held: Indices


def splits(parts: PhotographParts, names: Sequence[str], seeds: int, claim: bool) -> list[Split]:
    """Return a split for each seed: that of the parts for a claim, else folds without the test."""
    if claim:
        by_part = (
            np.array([names.index(name) for name in part])
            for part in (parts.search, parts.validation, parts.test)
        )
        return [Split(*by_part)] * seeds
    order = np.random.default_rng(0).permutation(np.arange(len(names)))
    found = []
    for seed in range(seeds):
        held = order[seed::seeds]
        rest = np.random.default_rng(seed).permutation(np.setdiff1d(order, held))
        cut = round(SEARCH * len(rest))
        found.append(Split(rest[:cut], rest[cut:], held))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="?", default="packaged")
    parser.add_argument("--types", choices=("demo", "new"), default="demo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--home", type=Path, default=Path("experiments/results/improve"))
    parser.add_argument("--claim", action="store_true")
    wanted = parser.parse_args()
    wanted.home.mkdir(parents=True, exist_ok=True)
    settings, types = read_settings(), NEW if wanted.types == "new" else TYPES
    files = photograph_files(wanted.photographs)
    parts = PhotographParts.of(files)
    test = parts.test if wanted.claim else ()
    names = sorted((*parts.search, *parts.validation, *test))
    encoder = load_encoder(EncoderConfig(name="offline"), settings, seed=0)
    probe = load_probe(
        encoder, [catalogue()[d] for d in types], cache=wanted.home,
        photographs={name: files[name] for name in names},
    )  # fmt: skip
    text = RememberedTexts(encoder)
    polarity = partial(sentence_pairs, polarity=encoder.default_polarity)

    def bench(index: Indices) -> Bench:
        return Bench(part_of(probe, index), catalogue(), text, polarity, DEFAULT_OBJECTIVE)

    with (
        open_store(f"sqlite:///{wanted.home / 'calls.sqlite'}") as store,
        open_language_model(settings) as model,
    ):
        plan = splits(parts, names, wanted.seeds, wanted.claim)
        start, tables = drafted(store, model, types), dict[str, list[Table]]()
        for seed, split in enumerate(plan):
            compared(store, model, start, seed, wanted.rounds, bench, split, tables)
            print(report(tables, claim=wanted.claim), flush=True)


def drafted(store: Store, model: LanguageModel, types: Sequence[str]) -> AttributeSet:
    """Return what the model writes first about each type."""
    return AttributeSet(
        by_distortion={
            d: draft_attributes(catalogue()[d], model, log=store.calls.add, recall=store.calls.find)
            for d in types
        }
    )


def compared(
    store: Store,
    model: LanguageModel,
    start: AttributeSet,
    seed: int,
    rounds: int,
    bench: Callable[[Indices], Bench],
    split: Split,
    tables: dict[str, list[Table]],
) -> None:
    """Make every set of one seed, and add its figures to the tables."""
    searching, confirming = bench(split.searched), bench(split.confirming)
    asked = Asked(by_turns(store, model, seed, rounds))
    better, tried = improved(start, asked, searching, confirming, seed, rounds)
    chosen, tried_blind = improved(
        start, blind(store, model, seed), searching, confirming, seed, rounds
    )
    curated = read_attributes(resource("attribute_db/curated")).by_distortion
    arms = {
        START: start,
        BLIND: redrafted(store, model, start, seed, rounds),
        SWAP: swapped(start, better, asked.came, seed),
        "asked blind, measured": chosen,
        BETTER: better,
        CURATED: AttributeSet(by_distortion={d: curated[d] for d in start.by_distortion}),
    }
    known = bench(np.concatenate([split.searched, split.confirming]))
    for name, attributes in arms.items():
        tables.setdefault(name, []).append(figures(attributes, known, bench(split.held)))
    changed = sum(
        one != other
        for d, own in start.phrases().items()
        for one, other in zip(own, better.phrases()[d], strict=True)
    )
    sizes = [len(each) for each in (split.searched, split.confirming, split.held)]
    print(f"\nseed {seed}: {sizes[0]} search, {sizes[1]} confirm, {sizes[2]} held out")
    print(f"{asked.count} questions, {tried} sentences tried, {changed} replaced")
    print(f"asked blind, measured: {tried_blind} tried")


if __name__ == "__main__":
    main()
