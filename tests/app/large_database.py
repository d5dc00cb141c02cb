"""A database as a laboratory fills it in years: 10,000 attributes, 200 versions, 500 runs."""

from itertools import cycle, islice, product

from workbench.distortions import catalogue
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.distortion import Recipe, Step

from .full_database import CONFIG, DISTORTIONS, a_result

TYPES, MOST = 100, 300  # distortion types; attributes of the one that has most
WORDS = tuple(
    words.split(", ")
    for words in (
        "soft, harsh, pale, muddy, smeared, speckled, blotchy, banded, grainy, dull",
        "edges, contours, skies, shadows, highlights, textures, faces, leaves, walls",
        "everywhere, near corners, in dark areas, in bright areas, along lines, in the middle, "
        "at the border, on flat surfaces, around letters, behind objects",
        "at first sight, on looking closer, as a veil, as a pattern, in patches, in streaks",
    )
)
STATUSES = ("proposed", "proposed", "accepted", "accepted", "needs work", "rejected")
ORIGINS = ("llm", "expert", "curated", "import")
STATES = ("done",) * 16 + ("failed", "interrupted", "cancelled", "done")


def fill_large(store, *, attributes=10_000, versions=200, runs=500):
    """Fill an empty store; every figure follows from the made-up predictions of one of 20 runs."""
    types = add_types(store)
    phrases = [" ".join(words) for words in product(*WORDS)]
    each = [MOST] + [(attributes - MOST) // (TYPES - 1)] * (TYPES - 1)
    each[1] += attributes - sum(each)
    everything = AttributeSet(
        by_distortion={
            type: tuple(islice(attributes_of(phrases[n:] + phrases[:n]), count))
            for n, (type, count) in enumerate(zip(types, each, strict=True))
        }
    )
    store.draft.replace(everything, author="ann")
    frozen = freeze_versions(store, everything, phrases, versions)
    add_runs(store, frozen, runs)


def add_types(store):
    built_in = list(catalogue())
    for number in range(TYPES - len(built_in)):
        step = Step(operator="gaussian_blur", parameters=(1.0, 2.0, 3.0))
        recipe = Recipe(
            id=f"mixture_{number:02}",
            group="blur",
            name=f"Mixture {number}",
            explanation=f"A blur of our own, number {number}.",
            steps=(step,),
        )
        store.recipes.add(recipe, author="ann")
    return list(store.recipes.catalogue())


def attributes_of(phrases):
    for phrase, status, origin in zip(phrases, cycle(STATUSES), cycle(ORIGINS)):
        decided_by = None if status == "proposed" else "bob"
        yield Attribute(phrase=phrase, status=status, origin=origin, decided_by=decided_by)


def freeze_versions(store, everything, phrases, count):
    """Freeze a line of versions, with a branch now and then; the last holds everything."""
    hashes, parent = [], None
    for number in range(count - 1):
        words = phrases[number : number + 5]
        content = AttributeSet.from_phrases(dict.fromkeys(everything.distortions[:52], words))
        version = store.versions.freeze(
            content,
            message=f"Trial {number}: other words for {DISTORTIONS[number % 3]}",
            author=("ann", "bob", "eva")[number % 3],
            parent=parent,
            alias=f"trial-{number}" if number % 10 == 0 else None,
        )
        hashes.append(version.hash)
        parent = hashes[max(0, number - 7)] if number % 20 == 19 else version.hash
    last = store.versions.freeze(
        everything, message="Everything so far", author="ann", parent=parent, alias="everything"
    )
    return [*hashes, last.hash]


def add_runs(store, hashes, count):
    configs = [CONFIG, RunConfig(name="demo-2", data=DataConfig(distortions=DISTORTIONS[:2]))]
    results = {}
    for number in range(count):
        hash, config = hashes[number % len(hashes)], configs[number // len(hashes) % 2]
        run = store.runs.enqueue(hash, config.model_copy(update={"name": f"demo-{number}"}))
        config = run.config
        status = STATES[number % len(STATES)]
        store.runs.claim("elsewhere:1", only=run.id)
        if status != "done":
            store.runs.fail(run.id, "The loss is no finite number in epoch 3.")
            continue
        key = number % 20, len(config.data.distortions)
        version = store.versions.get(hash) if key not in results else None
        if version is not None:
            results[key] = a_result(version, config, noise=0.05 + 0.01 * (number % 20))
        same = results[key].model_copy(update={"version": hash, "config_hash": config.hash})
        store.runs.finish(run.id, same)
