"""Attributes written by a language model, on the command line."""

from typing import Annotated

import typer

from workbench.cli.console import Db, Json, emit, progress_bar, table, workplace
from workbench.domain.attributes import AttributeSet
from workbench.drafting.local_server import open_language_model
from workbench.drafting.templates import load_template, render
from workbench.pipeline import draft_distortion, part


def draft(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    k: Annotated[int, typer.Option(min=1, max=20, help="Attributes per distortion.")] = 5,
    template: Annotated[str, typer.Option(help="Prompt template.")] = "few_shot",
    model: Annotated[str | None, typer.Option(help="Model to ask.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the prompt only.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Ask a language model for attributes and put them into the working draft."""
    with workplace(db) as (_, store):
        known = store.recipes.catalogue()
    specs = [known[id] for id in ids]
    if dry_run:
        chosen = load_template(template)
        prompts = {spec.id: list(render(chosen, spec, k)) for spec in specs}
        document = [{"distortion": id, "messages": some} for id, some in prompts.items()]
        text = "\n\n".join(m["content"] for some in prompts.values() for m in some)
        emit(json, document, lambda: text)
        return
    rows: list[dict[str, object]] = []
    with workplace(db) as (settings, store), progress_bar("draft") as progress:
        settings = settings.model_copy(update={"model": model or settings.model})
        with open_language_model(settings, progress=part(progress, 0.0, 0.1)) as llm:
            for done, spec in enumerate(specs):
                progress(0.1 + 0.9 * done / len(specs), spec.name)
                drafted = draft_distortion(store, spec.id, llm, template=template, k=k, seed=seed)
                store.draft.replace(
                    AttributeSet(by_distortion={spec.id: drafted}),
                    author=settings.author,
                    distortions=[spec.id],
                )
                rows += [
                    {"distortion": spec.id, "phrase": a.phrase, "call_id": a.call_id}
                    for a in drafted
                ]
            progress(1.0, "done")
    emit(
        json,
        rows,
        lambda: table(("distortion", "phrase"), [(r["distortion"], r["phrase"]) for r in rows]),
    )
