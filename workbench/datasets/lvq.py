"""LVQ: 10 laparoscopic videos, 5 distortions at 4 levels, 200 videos of which frames are taken."""

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.datasets.frames import count_frames, even_frames
from workbench.datasets.labelled import DatasetFacts, DatasetType, ImageDataset, LabelledImage
from workbench.datasets.layout import Layout
from workbench.datasets.text_tables import finite, first_few, read_columns
from workbench.errors import CorruptImageError, DataError

TYPES = (
    DatasetType(label="awgn", distortion="white_noise", levels=4),
    DatasetType(label="defocus_blur", distortion="lens_blur", levels=4),
    DatasetType(label="motion_blur", distortion="motion_blur", levels=4),
    DatasetType(label="smoke", distortion="smoke", levels=4),
    DatasetType(label="uneven_illum", distortion="uneven_illumination", levels=4),
)
FRAMES = 5  # of each video; they differ little within the ten seconds that a video lasts
MANIFEST = "lvq_scores.csv"

FACTS = DatasetFacts(
    name="lvq",
    title="LVQ",
    kind="synthetic",
    source="Khan et al.: Towards a video quality assessment based framework for enhancement of "
    "laparoscopic videos, Medical Imaging 2020",
    obtain="Ask the authors for the videos, unpack a folder for each type, and write their scores "
    f"into {MANIFEST} (docs/datasets.md).",
    layout=(
        "awgn/video1_1.avi (source_level), and so defocus_blur, motion_blur, smoke, uneven_illum",
        f"{MANIFEST} (columns video, score)",
    ),
    score="MOS",
    score_range=(0, 3),
    polarity="higher is better",
    group="source video",
    types=TYPES,
    images=200 * FRAMES,
    references=10,
)


def load(root: Path, frames: int = FRAMES) -> ImageDataset:
    """Read LVQ by type, source, level and frame; without the manifest there are no scores.

    Args:
        root: Where the folders of the types are.
        frames: Frames to take of each video, evenly spread.

    Raises:
        DatasetNotFoundError: No video is there.
        DataError: Names the videos and rows that cannot be read.
    """
    layout = Layout(root, FACTS)
    scores = _scores(layout)
    images: list[LabelledImage] = []
    faults: list[str] = []
    for type, source, level, file in _videos(layout):
        try:
            numbers = even_frames(count_frames(root / file), frames)
        except CorruptImageError:
            faults.append(file)
            continue
        images += [
            layout.image(
                file, f"video{source}", score=scores.get(file), type=type, level=level, frame=number
            )
            for number in numbers
        ]
    if faults:
        count = "1 video" if len(faults) == 1 else f"{len(faults)} videos"
        raise DataError(f"{root}: {count} cannot be read: {first_few(faults)}. Replace them.")
    return layout.dataset(images)


def _videos(layout: Layout) -> Iterator[tuple[DatasetType, int, int, str]]:
    for type in TYPES:
        videos = []
        for name in layout.files.names(type.label):
            form = re.fullmatch(r"video(\d+)_([1-4])\.avi", name.casefold())
            if form is not None:
                videos.append((int(form[1]), int(form[2]), layout.name(f"{type.label}/{name}")))
        for source, level, file in sorted(videos):
            yield type, source, level, file


def _scores(layout: Layout) -> dict[str, float]:
    def score_of(row: list[str]) -> tuple[str, float]:
        file = layout.files.find(row[0])
        if file is None:
            raise ValueError(f"there is no video '{row[0]}'")
        return file, finite(row[1])

    manifest = layout.optional(MANIFEST)
    return {} if manifest is None else dict(read_columns(manifest, ("video", "score"), score_of))
