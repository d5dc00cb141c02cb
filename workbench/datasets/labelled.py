"""What every dataset of images becomes, whatever its layout on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import workbench.datasets
from workbench.domain.canonical import Frozen
from workbench.registry import Registry, discover

Polarity = Literal["higher is better", "lower is better"]


class DatasetType(Frozen):
    """One distortion type of a dataset.

    Attributes:
        label: The dataset's own name or number ("10", "AWGN").
        distortion: Id in the catalogue of distortions; types that are the same thing share it.
        levels: Number of levels L; 0 where the dataset has none.
    """

    label: str
    distortion: str
    levels: int


def numbered_types(distortions: Sequence[str], levels: int) -> tuple[DatasetType, ...]:
    """Return types that the dataset numbers from 1.

    Args:
        distortions: Ids in the catalogue, in the dataset's order.
        levels: Number of levels L of each.
    """
    return tuple(
        DatasetType(label=str(number), distortion=distortion, levels=levels)
        for number, distortion in enumerate(distortions, start=1)
    )


def numbered_type(types: Sequence[DatasetType], number: int, level: int, name: str) -> DatasetType:
    """Return the type of a number.

    Args:
        types: As `numbered_types` made them.
        number: From 1.
        level: A level of that type.
        name: Of the image, for the message.

    Raises:
        ValueError: There is no such type or level.
    """
    levels = types[0].levels
    if not (1 <= number <= len(types) and 1 <= level <= levels):
        raise ValueError(f"'{name}' is of no type 1 to {len(types)} at a level 1 to {levels}")
    return types[number - 1]


class DatasetFacts(Frozen):
    """What is known of a dataset before a file is opened.

    Attributes:
        name: As the command line knows it ("kadid10k").
        title: As papers call it ("KADID-10k").
        kind: "synthetic" (made from references), "authentic", "pristine" or "any".
        source: Paper that describes it.
        obtain: Where to get it and what to unpack, one sentence.
        layout: The files that are expected below the root, one line each.
        score: What the score is ("MOS", "DMOS"), "" without.
        score_range: Smallest and largest nominal score, by which quality is mapped to [0, 1].
        observed_range: Where the release's own scores leave the nominal range, theirs.
        polarity: Direction of the score; None without scores.
        group: What never sits on both sides of a split ("reference image", "source video").
        types: Distortion types in the dataset's order.
        images, references: Official counts; None where any number will do.
    """

    name: str
    title: str
    kind: Literal["synthetic", "authentic", "pristine", "any"]
    source: str
    obtain: str
    layout: tuple[str, ...]
    score: str = ""
    score_range: tuple[float, float] | None = None
    observed_range: tuple[float, float] | None = None
    polarity: Polarity | None = None
    group: str = "reference image"
    types: tuple[DatasetType, ...] = ()
    images: int | None = None
    references: int | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """A distortion in an image.

    Attributes:
        distortion: Id in the catalogue.
        level: 1..L; None where the dataset has no levels.
        levels: L; 0 where the dataset has no levels.
    """

    distortion: str
    level: int | None
    levels: int


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image of a dataset.

    Attributes:
        file: Path below the dataset's root, as it is on disk.
        group: What never sits on both sides of a split.
        reference: Path of the reference below the root; None for authentic images.
        present: Its distortions in the order in which they were applied; none for a clean image.
        label: The dataset's own name of the type, "" without.
        score: As the dataset gives it; None without.
        quality: The score mapped to [0, 1], higher is better; None without.
        parameter: The distortion's parameter where the dataset gives one instead of a level.
        subset: Part of the dataset that is reported by itself ("ss01").
        official: "train", "validation" or "test" where the dataset says so.
        frame: Number of the frame where the file is a video.
    """

    file: str
    group: str
    reference: str | None = None
    present: tuple[Present, ...] = ()
    label: str = ""
    score: float | None = None
    quality: float | None = None
    parameter: float | None = None
    subset: str = ""
    official: str = ""
    frame: int | None = None


@dataclass(frozen=True)
class ImageDataset:
    """A dataset as found on disk.

    Attributes:
        facts: What it is.
        root: Folder that all files lie below.
        images: In the official order, which published splits count by.
    """

    facts: DatasetFacts
    root: Path
    images: tuple[LabelledImage, ...]

    def path(self, image: LabelledImage) -> Path:
        """Return where the file of an image lies."""
        return self.root / image.file


@dataclass(frozen=True)
class Adapter:
    """How a dataset is read.

    Attributes:
        facts: What is known of it.
        load: Reads the layout below a root; raises DatasetNotFoundError that says where it looked
            and how to obtain the dataset, DataError for a table it cannot read.
    """

    facts: DatasetFacts
    load: Callable[[Path], ImageDataset]


def quality_of(score: float, facts: DatasetFacts) -> float:
    """Map a score to [0, 1], higher is better; what lies outside the nominal range is clamped.

    Args:
        score: In the dataset's own unit.
        facts: Its range and polarity.

    Example:
        >>> words = {"title": "", "source": "", "obtain": "", "layout": ()}
        >>> csiq = DatasetFacts(name="csiq", kind="synthetic", score="DMOS", score_range=(0, 1),
        ...                     polarity="lower is better", **words)
        >>> quality_of(.25, csiq), quality_of(-.1, csiq)
        (0.75, 1.0)
    """
    if facts.score_range is None:
        raise ValueError(f"{facts.title} states no range of scores")
    low, high = facts.score_range
    share = min(max((score - low) / (high - low), 0.0), 1.0)
    return 1 - share if facts.polarity == "lower is better" else share


@cache
def adapters() -> Registry[Adapter]:
    """Return the adapters by name.

    Example:
        >>> adapters()["kadid10k"].facts.images
        10125
    """
    found = (
        Adapter(module.FACTS, module.load)
        for module in discover(workbench.datasets)
        if isinstance(getattr(module, "FACTS", None), DatasetFacts)
    )
    return Registry("dataset", {adapter.facts.name: adapter for adapter in found})
