"""What every dataset of images becomes, whatever its layout on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.domain.canonical import Frozen

Polarity = Literal["higher is better", "lower is better"]


class DatasetType(Frozen):
    """One distortion type of a dataset."""

    label: str  # the dataset's own name or number ("10", "AWGN")
    distortion: str  # id in the catalogue of distortions; types that are the same thing share it
    levels: int  # number of levels L; 0 where the dataset has none


def numbered_types(distortions: Sequence[str], levels: int) -> tuple[DatasetType, ...]:
    """Return types of L levels each, numbered from 1 in the dataset's order."""
    return tuple(
        DatasetType(label=str(number), distortion=distortion, levels=levels)
        for number, distortion in enumerate(distortions, start=1)
    )


class DatasetFacts(Frozen):
    """What is known of a dataset before a file is opened."""

    name: str  # as the command line knows it ("kadid10k")
    title: str  # as papers call it ("KADID-10k")
    # "synthetic" (made from references), "authentic", "pristine" or "any"
    kind: Literal["synthetic", "authentic", "pristine", "any"]
    source: str  # paper that describes it
    obtain: str  # where to get it and what to unpack, one sentence
    layout: tuple[str, ...]  # the files that are expected below the root, one line each
    score: str = ""  # what the score is ("MOS", "DMOS"), "" without
    # smallest and largest nominal score, by which quality is mapped to [0, 1]
    score_range: tuple[float, float] | None = None
    # where the release's own scores leave the nominal range, theirs
    observed_range: tuple[float, float] | None = None
    polarity: Polarity | None = None  # direction of the score; None without scores
    # what never sits on both sides of a split ("reference image", "source video")
    group: str = "reference image"
    types: tuple[DatasetType, ...] = ()  # distortion types in the dataset's order
    images: int | None = None  # official count; None where any number will do
    references: int | None = None  # official count


@dataclass(frozen=True, slots=True)
class Present:
    """A distortion in an image."""

    distortion: str  # id in the catalogue
    level: int | None  # 1..L; None where the dataset has no levels
    levels: int  # L; 0 where the dataset has no levels


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image of a dataset."""

    file: str  # path below the dataset's root, as it is on disk
    group: str  # what never sits on both sides of a split
    reference: str | None = None  # path of the reference below the root; None for authentic images
    # its distortions in the order in which they were applied; none for a clean image
    present: tuple[Present, ...] = ()
    label: str = ""  # the dataset's own name of the type, "" without
    score: float | None = None  # as the dataset gives it; None without
    quality: float | None = None  # the score mapped to [0, 1], higher is better; None without
    # the distortion's parameter where the dataset gives one instead of a level
    parameter: float | None = None
    subset: str = ""  # part of the dataset that is reported by itself ("ss01")
    official: str = ""  # "train", "validation" or "test" where the dataset says so
    frame: int | None = None  # number of the frame where the file is a video

    @property
    def name(self) -> str:
        """The file, with the frame where there are several: what splits and results list."""
        return self.file if self.frame is None else f"{self.file}#{self.frame}"


@dataclass(frozen=True)
class ImageDataset:
    """A dataset as it lies on disk."""

    facts: DatasetFacts  # what it is
    root: Path  # folder that all files lie below
    images: tuple[LabelledImage, ...]  # in the official order, which published splits count by

    def path(self, image: LabelledImage) -> Path:
        """Return the file of an image."""
        return self.root / image.file


def quality_of(score: float, facts: DatasetFacts) -> float:
    """Map a score to [0, 1], higher is better; what lies outside the nominal range is clamped.

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
