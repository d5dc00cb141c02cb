"""Is a dataset complete? What is missing, unreadable, of wrong count or out of range."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pydantic import Field

from workbench.datasets.adapters import Adapter
from workbench.datasets.frames import read_pixels
from workbench.datasets.image_reader import read_image
from workbench.datasets.labelled import ImageDataset, Polarity
from workbench.datasets.layout import FileIndex
from workbench.datasets.text_tables import first_few
from workbench.domain.canonical import Frozen, Progress
from workbench.domain.number_format import count_text
from workbench.errors import CorruptImageError, DataError


class CheckReport(Frozen):
    """What a dataset holds, and what is wrong with it."""

    name: str  # the dataset's
    root: str  # where it lies, or should
    images: int = 0  # images in its tables
    references: int = 0  # different references, or sources of videos
    distortions: tuple[str, ...] = ()  # catalogue ids in the dataset's order
    score: str = ""  # what the score is, with the file it was read from where there is a choice
    # smallest and largest score in the files; None without scores
    score_range: tuple[float, float] | None = None
    polarity: Polarity | None = None  # direction of the score
    # number of images of each part that is reported by itself
    subsets: dict[str, int] = Field(default_factory=dict)
    # one line each, with counts and the first names; none if all is well
    problems: tuple[str, ...] = ()


def check(
    adapter: Adapter,
    root: Path | None = None,
    *,
    deep: bool = False,
    progress: Progress = lambda _share, _stage: None,
) -> CheckReport:
    """Check a dataset; whatever is wrong with its files becomes a problem, never an error.

    Args:
        adapter: Of the dataset.
        root: Where it was unpacked; a registered table may do without.
        deep: Decode every image too.
        progress: The share of images decoded.

    Raises:
        ConfigError: It needs a root.
    """
    facts = adapter.facts
    try:
        dataset = adapter.open(root)
    except DataError as fault:
        where = str(root or adapter.root)
        return CheckReport(
            name=facts.name, root=where, polarity=facts.polarity, problems=(str(fault),)
        )
    problems = [*_counts(dataset), *_files(dataset), *_scores(dataset), *_parameters(dataset)]
    if deep:
        problems += _unreadable(dataset, progress)
    scores = [image.score for image in dataset.images if image.score is not None]
    present = {type.distortion for image in dataset.images for type in image.present}
    ordered = dict.fromkeys(type.distortion for type in dataset.facts.types)
    return CheckReport(
        name=facts.name,
        root=str(dataset.root),
        images=len(dataset.images),
        references=len(_sources(dataset)),
        distortions=tuple(filter(present.__contains__, ordered)) or tuple(sorted(present)),
        score=dataset.facts.score,
        score_range=(min(scores), max(scores)) if scores else None,
        polarity=dataset.facts.polarity,
        subsets=dict(Counter(image.subset for image in dataset.images if image.subset)),
        problems=tuple(problems),
    )


def missing_files(dataset: ImageDataset) -> tuple[list[str], list[str]]:
    """Return the images, and the references, that are named but not there."""
    index = FileIndex(dataset.root)
    files = dict.fromkeys(image.file for image in dataset.images)
    references = dict.fromkeys(image.reference for image in dataset.images if image.reference)
    return (
        [file for file in files if index.find(file) is None],
        [file for file in references if index.find(file) is None],
    )


def _sources(dataset: ImageDataset) -> set[str]:
    return {
        image.reference or image.group
        for image in dataset.images
        if image.present or image.reference
    }


def _files(dataset: ImageDataset) -> Iterator[str]:
    obtain = dataset.facts.obtain
    for what, files in zip(("image", "reference"), missing_files(dataset), strict=True):
        if files:
            yield f"{_are(len(files), what)} missing: {first_few(files)}. {obtain}"
    uses = Counter((image.file, image.frame) for image in dataset.images)
    twice = [file for (file, _), count in uses.items() if count > 1]
    if twice:
        yield f"{_are(len(twice), 'image')} more than once in the tables: {first_few(twice)}."


def _counts(dataset: ImageDataset) -> Iterator[str]:
    facts = dataset.facts
    counts = (
        ("images", len(dataset.images), facts.images),
        ("references", len(_sources(dataset)), facts.references),
    )
    for what, count, official in counts:
        if official is not None and count != official:
            yield f"{count:,} {what} instead of {official:,}. {facts.obtain}"


def _scores(dataset: ImageDataset) -> Iterator[str]:
    facts = dataset.facts
    if facts.score_range is None:
        return
    bare = [image.file for image in dataset.images if image.score is None]
    if bare:
        yield f"{_are(len(bare), 'image')} without a score: {first_few(bare)}. {facts.obtain}"
    low, high = facts.observed_range or facts.score_range
    outside = [
        f"{image.file} ({image.score:g})"
        for image in dataset.images
        if image.score is not None and not low <= image.score <= high
    ]
    if outside:
        yield f"{_are(len(outside), 'score')} out of {low:g} to {high:g}: {first_few(outside)}."


def _parameters(dataset: ImageDataset) -> Iterator[str]:
    """Yield the official types that have no levels and lack the parameters to make some of."""
    for type in dataset.facts.types:
        lacking = [i.file for i in dataset.images if i.label == type.label and i.parameter is None]
        if dataset.facts.images is not None and not type.levels and lacking:
            yield (
                f"{_are(len(lacking), 'image')} without a parameter ({type.label}/info.txt), so "
                f"'{type.label}' has no levels: {first_few(lacking)}."
            )


def _unreadable(dataset: ImageDataset, progress: Progress) -> Iterator[str]:
    """Decode whatever is there and yield what cannot be."""
    absent = {name for names in missing_files(dataset) for name in names}
    references = dict.fromkeys(image.reference for image in dataset.images if image.reference)
    work: list[tuple[str, Callable[[], object]]] = [
        *((image.file, partial(read_pixels, dataset, image)) for image in dataset.images),
        *((file, partial(read_image, dataset.root / file)) for file in references),
    ]
    broken: dict[str, None] = {}
    for done, (file, decode) in enumerate(work, start=1):
        progress(done / len(work), "decoding")
        if file not in absent:
            try:
                decode()
            except CorruptImageError:
                broken[file] = None
    if broken:
        yield f"{_are(len(broken), 'file')} unreadable: {first_few(list(broken))}. Replace them."


def _are(count: int, what: str) -> str:
    return f"{count_text(count, what)} {'is' if count == 1 else 'are'}"
