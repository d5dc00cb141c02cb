"""Attributes written by a language model, on the command line."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Annotated, Any

import typer

from workbench.cli.console import Db, Json, emit, progress_bar, table, workplace
from workbench.domain.distortion import Distortion
from workbench.drafting.local_server import open_language_model
from workbench.drafting.pool import Candidate, pooled
from workbench.drafting.templates import Surroundings, load_template, render
from workbench.errors import ConfigError, DraftError, WorkbenchError
from workbench.pipeline import Progress, draft_distortion, part, surroundings, take_candidates

Found = tuple[Candidate, ...]


def draft(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    k: Annotated[int, typer.Option(min=1, max=20, help="Attributes per distortion.")] = 5,
    samples: Annotated[
        int, typer.Option(min=1, max=20, help="How often to ask; the answers are pooled, ranked.")
    ] = 1,
    pick: Annotated[
        str | None, typer.Option(help="Ranks to take instead of the best K, such as 1,4,6.")
    ] = None,
    template: Annotated[str, typer.Option(help="Prompt template.")] = "few_shot",
    model: Annotated[str | None, typer.Option(help="Model to ask.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    concurrency: Annotated[
        int, typer.Option(min=1, max=32, help="Distortions that are asked about at once.")
    ] = 1,
    log_only: Annotated[
        bool, typer.Option("--log-only", help="Ask and log; put nothing into the draft.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the prompt only.")] = False,
    json: Json = False,
    db: Db = None,
) -> None:
    """Ask a language model for attributes and put them into the working draft.

    They replace what no person has touched. What was asked before is recalled, not asked again;
    each distortion is stored when it is complete, so a break keeps what arrived.
    """
    ranks = _ranks(pick)
    with workplace(db) as (_, store):
        known = store.recipes.catalogue()
        around = {id: surroundings(store, id) for id in ids}
    specs = [known[id] for id in ids]
    if dry_run:
        _show_prompts(specs, around, template, k, json)
        return
    rows: list[dict[str, Any]] = []
    faults: dict[str, WorkbenchError] = {}
    with workplace(db) as (settings, store), progress_bar("draft") as progress:
        settings = settings.model_copy(update={"model": model or settings.model})
        with open_language_model(settings, progress=part(progress, 0.0, 0.1)) as llm:

            def ask(id: str) -> Found:
                answers = [
                    draft_distortion(
                        store, id, llm, template=template, k=k, seed=seed, sample=sample
                    )
                    for sample in range(samples)
                ]
                return pooled(answers)

            told = part(progress, 0.1, 1.0)
            for id, found in _answered(specs, ask, concurrency, told, faults):
                chosen = _chosen(id, found, ranks or range(1, k + 1))
                attributes = [candidate.attribute for candidate in chosen]
                if not log_only:
                    take_candidates(store, id, attributes, author=settings.author)
                rows += [_row(id, found, one) for one in (found if log_only else chosen)]
    columns = ("distortion", "rank", "support", "phrase")
    emit(json, rows, lambda: table(columns, [[row[name] for name in columns] for row in rows]))
    if faults:
        _report(faults, len(specs))


def _answered(
    specs: Sequence[Distortion],
    ask: Callable[[str], Found],
    concurrency: int,
    progress: Progress,
    faults: dict[str, WorkbenchError],
) -> Iterator[tuple[str, Found]]:
    """Yield each distortion's candidates when they are complete; a fault stops no other.

    The threads are daemons: a break does not wait for a server that says nothing.
    """
    waiting, answers = deque(specs), SimpleQueue[tuple[Distortion, Found | Exception]]()

    def work() -> None:
        while True:
            try:
                spec = waiting.popleft()
            except IndexError:  # the last one is taken, perhaps just now
                return
            try:
                answers.put((spec, ask(spec.id)))
            except Exception as fault:
                answers.put((spec, fault))

    for _ in range(min(concurrency, len(specs))):
        Thread(target=work, daemon=True).start()
    try:
        for done in range(1, len(specs) + 1):
            spec, found = answers.get()
            if isinstance(found, WorkbenchError):
                faults[spec.id] = found
            elif isinstance(found, Exception):
                raise found
            else:
                yield spec.id, found
            progress(done / len(specs), spec.name)
    finally:
        waiting.clear()


def _chosen(id: str, found: Found, ranks: Sequence[int]) -> list[Candidate]:
    beyond = [rank for rank in ranks if rank > len(found)]
    if beyond and not isinstance(ranks, range):
        raise ConfigError(
            f"There are {len(found)} candidates of {id}, so rank {beyond[0]} cannot be picked. "
            "Nothing of it was put into the draft."
        )
    return [found[rank - 1] for rank in ranks if rank <= len(found)]


def _row(id: str, found: Found, candidate: Candidate) -> dict[str, Any]:
    return {
        "distortion": id,
        "phrase": candidate.attribute.phrase,
        "call_id": candidate.attribute.call_id,
        "rank": found.index(candidate) + 1,
        "support": f"{candidate.support} of {candidate.samples}",
        "twins": list(candidate.twins),
    }


def _ranks(pick: str | None) -> list[int]:
    if pick is None:
        return []
    ranks = [text.strip() for text in pick.split(",")]
    if not all(text.isdecimal() and int(text) > 0 for text in ranks):
        raise ConfigError(f"--pick takes ranks such as 1,4,6, not '{pick}'. Nothing was asked.")
    return list(dict.fromkeys(int(text) for text in ranks))


def _show_prompts(
    specs: Sequence[Distortion],
    around: dict[str, Surroundings],
    template: str,
    k: int,
    json: bool,
) -> None:
    chosen = load_template(template)
    prompts = {spec.id: list(render(chosen, spec, k, around[spec.id])) for spec in specs}
    document = [{"distortion": id, "messages": some} for id, some in prompts.items()]
    emit(
        json, document, lambda: "\n\n".join(m["content"] for some in prompts.values() for m in some)
    )


def _report(faults: dict[str, WorkbenchError], asked: int) -> None:
    if len(faults) == asked == 1:
        raise next(iter(faults.values()))
    told = "; ".join(f"{id}: {fault}" for id, fault in faults.items())
    raise DraftError(
        f"{len(faults)} of {asked} distortions could not be drafted, the others are in the draft. "
        f"{told}"
    )
