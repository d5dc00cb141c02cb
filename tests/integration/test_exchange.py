"""Attribute files and bundles as the browser takes them in: seen first, then taken."""

import pytest

from tests.databases import fresh_database
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.errors import InvalidConfigError
from workbench.store import open_store
from workbench.workflow.exchange import (
    bundle_bytes,
    export_text,
    import_text,
    read_import,
    take_bundle,
)


@pytest.fixture
def store(tmp_path):
    with open_store(fresh_database(tmp_path / "store.sqlite")) as opened:
        yield opened


def test_a_file_is_previewed_without_changing_anything_then_taken(store):
    store.draft.add("jpeg", Attribute(phrase="old words"), author="ann")
    store.draft.add("gaussian_blur", Attribute(phrase="soft contours"), author="ann")
    text = b"distortion,phrase\njpeg,small squares\n"
    preview = read_import(store, text, name="set.csv", form="csv")
    assert preview.before.phrases() == {"jpeg": ("old words",)}
    assert store.draft.attribute_set().phrases()["jpeg"] == ("old words",)
    import_text(store, preview.attributes, author="ann")
    assert store.draft.attribute_set().phrases() == {
        "gaussian_blur": ("soft contours",),
        "jpeg": ("small squares",),
    }


def test_a_distortion_that_nobody_knows_is_a_fault_with_its_line(store):
    text = b"distortion,phrase\njpegg,small squares\n"
    with pytest.raises(InvalidConfigError, match="Did you mean 'jpeg"):
        read_import(store, text, name="set.csv", form="csv")


@pytest.mark.parametrize("form", ["yaml", "json", "csv"])
def test_an_exported_set_is_read_back_the_same(store, form):
    given = AttributeSet.from_phrases({"jpeg": ["small squares", "=1+1"], "lens_blur": ["haze"]})
    text = export_text(store, given, form)
    read = read_import(store, text.encode(), name="set", form=form)
    assert read.attributes.phrases() == given.phrases()


def test_a_bundle_says_what_it_would_bring_before_it_does(store, tmp_path):
    given = AttributeSet.from_phrases({"jpeg": ["small squares"]})
    version = store.versions.freeze(given, message="first", author="ann")
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle_bytes(store, [version.hash], with_runs=True))
    with open_store(fresh_database(tmp_path / "other.sqlite")) as other:
        assert len(take_bundle(other, path, author="bob", dry_run=True).versions) == 1
        assert other.versions.list() == []
        take_bundle(other, path, author="bob")
        assert other.versions.get(version.hash).attributes == version.attributes
