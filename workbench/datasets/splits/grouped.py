"""Splits by group: all images of one photograph, reference or video stay on one side."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from workbench.datasets.labelled import ImageDataset
from workbench.datasets.splits.leakage import check_leakage, check_split
from workbench.datasets.splits.split import PARTS, Split, make_split
from workbench.errors import ConfigError

SHARES = (0.7, 0.1, 0.2)  # of references, METHOD §2


def grouped_splits(
    groups: Sequence[str],
    *,
    seeds: Iterable[int] = range(10),
    shares: tuple[float, float, float] = SHARES,
) -> list[Split]:
    """Divide images by group into train, validation and test, once for each seed.

    Shares are counted in groups, rounded by largest remainder; no part is empty. A seed gives each
    group the same part in whatever order the images come.

    Args:
        groups: Group of each image, length N.
        seeds: One split for each.
        shares: Of train, validation and test; above 0, together 1.

    Raises:
        ConfigError: Fewer than three groups, or shares that cannot be.

    Example:
        >>> split, = grouped_splits(["a", "a", "b", "c"], seeds=[0])
        >>> [rows.tolist() for rows in split.parts.values()]
        [[3], [0, 1], [2]]
    """
    names = sorted(set(groups))
    sizes = _sizes(len(names), shares)
    rows: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        rows[group].append(row)
    rule = "/".join(f"{share * 100:g}" for share in shares) + f" by group, {len(names)} groups"
    splits = []
    for seed in seeds:
        shuffled = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
        cuts = np.cumsum([0, *sizes]).tolist()
        parts = {
            part: [row for name in shuffled[start:end] for row in rows[name]]
            for part, start, end in zip(PARTS, cuts, cuts[1:], strict=False)
        }
        splits.append(make_split(f"seed {seed}", parts, rule=rule, seed=seed))
    return splits


def official_split(dataset: ImageDataset, *, validation: float = 0.0, seed: int = 0) -> Split:
    """Return the split that the dataset itself states.

    Args:
        dataset: Every image of it says to which part it belongs.
        validation: Share of the training groups that validates where the dataset has no
            validation part of its own; 0 leaves that empty.
        seed: Decides which groups validate.

    Raises:
        ConfigError: The dataset has no official split, or states it for some images only.
        SplitLeakageError: The official split divides a group.
    """
    parts: dict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(dataset.images):
        parts[image.official].append(row)
    title = dataset.facts.title
    if not (parts["train"] and parts["test"]):
        raise ConfigError(f"{title} has no official split. Divide it by {dataset.facts.group}.")
    if parts[""]:
        example = dataset.images[parts[""][0]].file
        raise ConfigError(
            f"{title} does not say to which part {len(parts[''])} images belong, {example} among "
            "them. Take them out, or divide the dataset by seeds."
        )
    rule = f"official split of {title}"
    groups = [image.group for image in dataset.images]
    if validation and not parts["validation"]:
        chosen = set_apart([groups[row] for row in parts["train"]], validation, seed)
        parts["validation"] = [row for row in parts["train"] if groups[row] in chosen]
        parts["train"] = [row for row in parts["train"] if groups[row] not in chosen]
        rule += f", {len(chosen)} training groups set apart for validation"
    split = make_split("official", parts, rule=rule, seed=seed if "set apart" in rule else None)
    check_split(groups, split)
    return split


def photograph_folds(
    photographs: Sequence[str], *, folds: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide images into folds by photograph; each photograph is held out exactly once.

    Args:
        photographs: Photograph of each image, length N.
        folds: Number of parts, at least 2 and at most the number of photographs.
        seed: Decides which photographs go together.

    Returns:
        One (train, test) pair of sorted index arrays for each fold.

    Raises:
        ConfigError: More folds than photographs.

    Example:
        >>> [test.tolist() for _, test in photograph_folds(["a", "a", "b"], folds=2, seed=0)]
        [[0, 1], [2]]
    """
    names = sorted(set(photographs))
    if folds > len(names):
        raise ConfigError(
            f"{folds} folds need at least as many photographs; there are {len(names)}. "
            "Lower split.folds or add photographs."
        )
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {names[index]: position % folds for position, index in enumerate(shuffled)}
    fold = np.array([fold_of[name] for name in photographs])
    pairs = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]
    for train, test in pairs:
        check_leakage(photographs, train, test)
    return pairs


def _sizes(count: int, shares: Sequence[float]) -> list[int]:
    """Return the number of groups in each part, by largest remainder, none of them 0."""
    exact = [Fraction(str(share)) for share in shares]  # .7 is seven tenths, not a float near it
    if len(exact) != len(PARTS) or min(exact) <= 0 or sum(exact) != 1:
        raise ConfigError(
            f"Shares of train, validation and test must be above 0 and add up to 1, got "
            f"{', '.join(f'{share:g}' for share in shares)}."
        )
    if count < len(PARTS):
        raise ConfigError(
            f"Train, validation and test need at least 3 groups; there are {count}. Add "
            "photographs, or hold each out once."
        )
    quotas = [share * count for share in exact]
    sizes = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda part: sizes[part] - quotas[part])
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    while 0 in sizes:
        sizes[sizes.index(max(sizes))] -= 1
        sizes[sizes.index(0)] += 1
    return sizes


def set_apart(groups: Sequence[str], share: float, seed: int) -> set[str]:
    """Return a share in (0, 1) of the groups, at least one and not all, drawn by the seed.

    Raises:
        ConfigError: Nothing would be left on one side.
    """
    names = sorted(set(groups))
    if not 0 < share < 1 or len(names) < 2:
        raise ConfigError(
            f"A share of {share:g} of {len(names)} training groups cannot be set apart for "
            "validation; it must leave some on both sides. Change split.validation."
        )
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    chosen = np.random.default_rng(seed).permutation(len(names))[:count]
    return {names[index] for index in chosen}
