"""Make a multi-distortion set."""

from functools import partial
from pathlib import Path

from workbench.datasets.generation.generator import GeneratedSet, generate
from workbench.datasets.generation.parallel import Each
from workbench.datasets.generation.plan import GeneratorConfig
from workbench.distortions import apply_sequence, catalogue, operators
from workbench.domain.canonical import Progress
from workbench.domain.distortion import Recipe


def generate_set(
    photographs: str,
    out: Path,
    config: GeneratorConfig,
    *,
    recipes: tuple[Recipe, ...] = (),
    workers: int = 1,
    each: Each | None = None,
    progress: Progress,
) -> GeneratedSet:
    """Make a multi-distortion set of a folder of photographs, or what is missing of it.

    Arguments and errors are those of `generate`; a cluster needs absolute paths.
    """
    known, applicable = catalogue(recipes), operators(recipes)
    return generate(
        photographs,
        out,
        config,
        [known[name] for name in config.distortions],
        partial(apply_sequence, stretch=config.stretch, recipes=recipes),
        forms=[
            form
            for name in config.distortions
            if name in applicable
            for form in applicable[name].forms
        ],
        workers=workers,
        each=each,
        progress=progress,
    )
