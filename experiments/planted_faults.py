"""Count how many faults that are planted into the curated set are found, and replaced.

    python -m experiments.planted_faults [PHOTOGRAPHS] [--rounds 3] [--home FOLDER]

PHOTOGRAPHS is a folder, or "packaged"; those of its test set are never read. One fault at a time is
put into each place of eight types: nonsense, a sentence of another type, one that says what another
says. It is counted how many are found on the search part, how many are replaced by what the model
drafts and the validation part confirms, and how many good sentences beside them stay.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from experiments.improve import TYPES, blind, improved
from workbench.datasets.photographs import photograph_files
from workbench.distortions import catalogue
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import EncoderConfig
from workbench.domain.objective import DEFAULT_OBJECTIVE
from workbench.drafting.client import LanguageModel
from workbench.drafting.improvement import Bench, PhotographParts
from workbench.drafting.improvement.measuring import faults_of
from workbench.drafting.lint import RememberedTexts, load_probe
from workbench.drafting.local_server import open_language_model
from workbench.encoders import load_encoder
from workbench.settings import read_settings, resource
from workbench.store import Store, open_store
from workbench.store.text import read_attributes
from workbench.training.prompt_pairs import sentence_pairs

NONSENSE = (
    "wise decision of the committee",
    "an unpaid invoice",
    "seven friendly questions",
    "the price of a train ticket",
    "a polite reply to a letter",
)


def planted(
    store: Store, model: LanguageModel, benches: tuple[Bench, Bench], rounds: int
) -> Iterator[str]:
    """Yield, per kind of planted fault, how many were found and replaced, and what else was.

    The model drafts blind about each type, as the search's first question does, so that the same
    sentences are there for every fault of the type.
    """
    searching, confirming = benches
    curated = read_attributes(resource("attribute_db/curated")).phrases()
    curated = {d: curated[d] for d in TYPES}
    yield f"{len(searching.probe.photographs)} photographs to search, {len(TYPES)} types"
    flagged = sum(
        bool(faults_of(measured, place, searching.catalogue))
        for measured in (searching.evidence(d, curated[d]) for d in TYPES)
        for place in range(len(measured))
    )
    yield f"curated sentences at fault: {flagged} of {sum(map(len, curated.values()))}"
    hits: dict[str, list[bool]] = {}
    replaced: dict[str, list[bool]] = {}
    good: list[bool] = []
    for kind, d, place, phrases in faulty_sets(curated):
        # Of two that say the same, the later one has the fault.
        at = {place, (place + 1) % len(phrases)} if kind == "doubled" else {place}
        measured = searching.evidence(d, phrases)
        hit = any(faults_of(measured, index, searching.catalogue) for index in at)
        hits.setdefault(kind, []).append(hit)
        start = AttributeSet.from_phrases({**curated, d: phrases})
        ask = blind(store, model, 0)
        better, _ = improved(start, ask, searching, confirming, 0, rounds, only=(d,))
        changed = [a != b for a, b in zip(phrases, better.phrases()[d], strict=True)]
        replaced.setdefault(kind, []).append(any(changed[index] for index in at))
        good += [changed[index] for index in range(len(phrases)) if index not in at]
    for kind, found in hits.items():
        yield f"{kind}: {sum(found)} of {len(found)} found, {sum(replaced[kind])} replaced"
    yield f"good sentences beside them left alone: {len(good) - sum(good)} of {len(good)}"


def faulty_sets(
    curated: Mapping[str, Sequence[str]],
) -> Iterator[tuple[str, str, int, list[str]]]:
    """Yield kind, type, place and the type's sentences with one planted fault, each place once."""
    for number, (d, own) in enumerate(curated.items()):
        neighbour = list(curated)[(number + 3) % len(curated)]
        for place in range(len(own)):
            for kind, phrase in (
                ("nonsense", NONSENSE[(number + place) % len(NONSENSE)]),
                ("another type's", curated[neighbour][place]),
                ("doubled", f"clearly {own[(place + 1) % len(own)]}"),
            ):
                yield kind, d, place, [*own[:place], phrase, *own[place + 1 :]]


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="?", default="packaged")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, default=Path("experiments/results/improve"))
    wanted = parser.parse_args()
    wanted.home.mkdir(parents=True, exist_ok=True)
    settings, files = read_settings(), photograph_files(wanted.photographs)
    parts = PhotographParts.of(files)
    encoder = load_encoder(EncoderConfig(name="offline"), settings, seed=0)
    text = RememberedTexts(encoder)
    polarity = partial(sentence_pairs, polarity=encoder.default_polarity)

    def bench(names: Sequence[str]) -> Bench:
        probe = load_probe(
            encoder, [catalogue()[d] for d in TYPES], cache=wanted.home,
            photographs={name: files[name] for name in names},
        )  # fmt: skip
        return Bench(probe, catalogue(), text, polarity, DEFAULT_OBJECTIVE)

    with (
        open_store(f"sqlite:///{wanted.home / 'calls.sqlite'}") as store,
        open_language_model(settings) as model,
    ):
        parted = (bench(parts.search), bench(parts.validation))
        for line in planted(store, model, parted, wanted.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
