"""What every adapter of a dataset keeps to; a new one is found by itself."""

import pytest

from tests.datasets.layouts import BUILDERS
from workbench.datasets.adapters import adapters
from workbench.datasets.check import check
from workbench.datasets.frames import read_pixels
from workbench.datasets.labelled import quality_of
from workbench.datasets.splits.grouped import photograph_folds
from workbench.distortions import catalogue
from workbench.errors import DatasetNotFoundError

EVERY = pytest.mark.parametrize("name", list(adapters()))
BUILT = pytest.mark.parametrize("name", list(BUILDERS))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    found = {}
    for name, build in BUILDERS.items():
        root = tmp_path_factory.mktemp(name)
        build(root)
        found[name] = adapters()[name].load(root)
    return found


def test_every_adapter_has_a_layout_to_be_tested_on():
    assert set(adapters()) - {"generated"} == set(BUILDERS)  # the generator's tests make that one


@EVERY
def test_facts_are_complete(name):
    facts = adapters()[name].facts
    assert facts.name == name
    assert facts.title
    assert facts.layout
    assert facts.obtain.endswith(".")
    assert bool(facts.score) == (facts.score_range is not None) == (facts.polarity is not None)
    if facts.score_range is not None:
        assert facts.score_range[0] < facts.score_range[1]
    assert len({kind.label for kind in facts.types}) == len(facts.types)


@EVERY
def test_every_type_is_in_the_catalogue(name):
    unknown = {kind.distortion for kind in adapters()[name].facts.types} - set(catalogue())
    assert not unknown


@EVERY
def test_a_folder_without_the_dataset_says_where_it_looked_and_how_to_obtain_it(name, tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DatasetNotFoundError) as fault:
            adapters()[name].load(root)
        assert str(root) in str(fault.value)
        assert adapters()[name].facts.obtain in str(fault.value)
        assert check(adapters()[name], root).problems == (str(fault.value),)


@BUILT
def test_every_file_of_an_official_layout_is_found(name, loaded):
    dataset = loaded[name]
    for image in dataset.images:
        assert dataset.path(image).is_file()
        assert image.reference is None or (dataset.root / image.reference).is_file()
    assert read_pixels(dataset, dataset.images[0]).shape[2] == 3


@BUILT
def test_quality_is_the_score_in_the_stated_direction(name, loaded):
    dataset = loaded[name]
    for image in dataset.images:
        if image.score is None:
            assert image.quality is None
        else:
            assert image.quality == quality_of(image.score, dataset.facts)
            assert 0 <= image.quality <= 1


@BUILT
def test_images_of_one_reference_are_one_group(name, loaded):
    groups = {}
    for image in loaded[name].images:
        groups.setdefault(image.reference or image.group, set()).add(image.group)
    assert all(len(some) == 1 for some in groups.values())
    assert len({group for some in groups.values() for group in some}) == len(groups)


@BUILT
def test_no_reference_is_on_both_sides_of_a_split(name, loaded):
    images = loaded[name].images
    for train, test in photograph_folds([image.group for image in images], folds=2, seed=0):
        sides = [{images[i].reference or images[i].group for i in side} for side in (train, test)]
        assert not sides[0] & sides[1]


@BUILT
def test_levels_are_within_their_number(name, loaded):
    for image in loaded[name].images:
        for present in image.present:
            assert present.level is None or 1 <= present.level <= present.levels
