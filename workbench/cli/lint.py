"""Lint on the command line: findings with their reasons; nothing is changed.

What lint needs is imported when it is called: the other commands of the draft start without torch.
"""

import sys
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group

from workbench.cli.console import Db, Json, emit, progress_bar, table, workplace
from workbench.domain.attributes import AttributeSet
from workbench.domain.config import EncoderConfig
from workbench.domain.finding import Finding
from workbench.evaluation.wording import count_text
from workbench.settings import Settings
from workbench.store import Store

if TYPE_CHECKING:
    from workbench.drafting.lint import Probe
    from workbench.encoders import Encoder


def lint(
    ref: Annotated[
        str | None, typer.Argument(help="A version; without, the working draft.")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Also measure on photographs.")
    ] = True,
    encoder: Annotated[str, typer.Option(help="Which encoder reads and sees.")] = "auto",
    pretrained: Annotated[
        str | None, typer.Option(help="open_clip tag or checkpoint of that encoder.")
    ] = None,
    polarity: Annotated[
        str | None, typer.Option(help="Pair of sentences; without, what suits the encoder.")
    ] = None,
    distortion: Annotated[
        list[str] | None, typer.Option("--distortion", help="Only of this; can be repeated.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule; can be repeated.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if there are faults.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Say what is doubtful about attributes, why, and what to do about it; nothing is changed.

    Rejected attributes are left out. The first time, photographs are distorted and encoded, some
    seconds for each distortion; after that they are read from the cache.
    """
    with workplace(db) as (settings, store):
        held = store.versions.get(ref).attributes if ref else store.draft.attribute_set()
        attributes = held.without_rejected()
        for name in distortion or ():
            store.recipes.catalogue()[name]  # raises with the name that was meant
        config = EncoderConfig(name=encoder, pretrained=pretrained)
        found = _findings(
            attributes, store, settings, config, polarity, distortion or (), rule or (), images
        )
    counts = f"{count_text(len(found), 'finding')} on {count_text(attributes.size, 'attribute')}"
    rows = [[f.severity, f.rule, f.distortion, f.phrase, f.reason, f.suggestion] for f in found]
    columns = ("severity", "rule", "distortion", "phrase", "reason", "suggestion")
    document = [finding.model_dump(mode="json") for finding in found]
    emit(json, document, lambda: Group(table(columns, rows), counts) if found else counts)
    if strict and any(finding.severity == "fault" for finding in found):
        raise typer.Exit(1)


def _findings(
    attributes: AttributeSet,
    store: Store,
    settings: Settings,
    config: EncoderConfig,
    polarity: str | None,
    distortions: Collection[str],
    only: Collection[str],
    images: bool,
) -> list[Finding]:
    """Return the findings about these distortions; the encoder is loaded if a rule needs it."""
    from workbench.drafting.lint import lint as lint_set
    from workbench.drafting.lint import rules
    from workbench.encoders import load_encoder
    from workbench.tuning.polarity import POLARITIES, sentence_pairs
    from workbench.tuning.threads import computing_threads

    needs = {rules()[name].needs for name in only or rules()} - (set() if images else {"images"})
    POLARITIES[polarity or "not"]  # raises with the name that was meant
    measured = bool(needs - {"words"}) and attributes.size > 0
    loaded = load_encoder(config, settings, seed=0) if measured else None
    with computing_threads(loaded.threads if loaded else None):
        probe = (
            _probe(loaded, attributes, store, settings) if loaded and "images" in needs else None
        )
        pair = polarity or (loaded.default_polarity if loaded else "not")
        found = lint_set(
            attributes,
            store.recipes.catalogue(),
            text=loaded,
            probe=probe,
            polarity=partial(sentence_pairs, polarity=pair),
            only=only,
        )
    return [finding for finding in found if not distortions or finding.distortion in distortions]


def _probe(
    encoder: "Encoder", attributes: AttributeSet, store: Store, settings: Settings
) -> "Probe":
    """Return the probe of the distortions of a set, with a progress bar if it takes time."""
    from workbench.drafting.lint import load_probe, missing_from_probe

    known, recipes = store.recipes.catalogue(), tuple(store.recipes.list())
    specs = [known[name] for name in attributes.distortions]
    if not missing_from_probe(encoder, specs, cache=settings.cache, recipes=recipes):
        return load_probe(encoder, specs, cache=settings.cache, recipes=recipes)
    sys.stderr.write("Photographs are distorted and encoded once; later this takes a moment.\n")
    with progress_bar("probe") as progress:
        return load_probe(encoder, specs, cache=settings.cache, recipes=recipes, progress=progress)
