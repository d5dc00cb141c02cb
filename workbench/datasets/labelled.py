"""What every dataset of images becomes, whatever its layout on disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.domain.canonical import Frozen

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
    """Return types of L levels each, numbered from 1 in the dataset's order."""
    return tuple(
        DatasetType(label=str(number), distortion=distortion, levels=levels)
        for number, distortion in enumerate(distortions, start=1)
    )


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

    @property
    def name(self) -> str:
        """The file, with the frame where there are several: what splits and results list."""
        return self.file if self.frame is None else f"{self.file}#{self.frame}"


@dataclass(frozen=True)
class ImageDataset:
    """A dataset as it lies on disk.

    Attributes:
        facts: What it is.
        root: Folder that all files lie below.
        images: In the official order, which published splits count by.
    """

    facts: DatasetFacts
    root: Path
    images: tuple[LabelledImage, ...]

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
