"""What is written is read again as the same set, in every form."""

import csv
import filecmp
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.attributes import Attribute, AttributeSet, birth_identity
from workbench.errors import StoreError
from workbench.settings import resource
from workbench.store.text import attribute_text, parse_attributes, read_attributes, write_attributes
from workbench.store.text.csv_form import cell_of, text_of

from .sets import CALLS, NUMBERS, TRICKY, attribute_sets

pytestmark = pytest.mark.slow

FORMS = ["yaml", "json", "csv"]


def parsed(text, form):
    data = text if isinstance(text, bytes) else text.encode()
    return parse_attributes(data, name="it", form=form)


def rows_of(text, delimiter=","):
    return list(
        csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    )


@pytest.mark.parametrize("form", ["json", "csv"])
@given(attribute_sets())
def test_one_file_gives_the_same_set_again(form, written):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"set.{form}"
        assert write_attributes(written, path, calls=CALLS) == [path]
        assert read_attributes(path, calls=NUMBERS) == written


@given(attribute_sets().filter(lambda written: written.size))
def test_a_yaml_folder_gives_the_same_set_again(written):
    with tempfile.TemporaryDirectory() as folder:
        files = write_attributes(written, Path(folder), calls=CALLS)
        assert {file.parent for file in files} == {Path(folder)}
        assert len(files) == len(written.distortions)
        assert read_attributes(Path(folder), calls=NUMBERS) == written


@given(attribute_sets().filter(lambda written: written.size))
def test_yaml_of_all_distortions_in_one_stream_is_read_too(written):
    assert parsed(attribute_text(written, "yaml", calls=CALLS), "yaml").with_calls(NUMBERS) == (
        written
    )


@given(attribute_sets(), st.sampled_from(";\t"))
def test_a_spreadsheet_may_save_with_another_separator(written, delimiter):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows_of(attribute_text(written, "csv")))
    assert parsed(out.getvalue(), "csv") == parsed(attribute_text(written, "csv"), "csv")


@given(attribute_sets(), st.sampled_from(",;\t"))
def test_no_cell_opens_a_formula_whatever_separator_is_read(written, delimiter):
    text = attribute_text(written, "csv")
    cells = [cell for row in rows_of(text, delimiter) for cell in row]
    assert not [cell for cell in cells if cell.lstrip()[:1] in {*"=+-@＝＋－＠"}]
    assert not [cell for cell in rows_of(text)[0] if cell[:1] in {*"\t\r\n"}]


@given(TRICKY)
def test_the_escape_of_a_cell_is_undone_exactly(text):
    assert text_of(cell_of(text)) == text


def test_defusing_a_long_cell_takes_no_longer_than_reading_it():
    assert cell_of("\t" * 100_000 + "'" * 100_000 + "a") is not None


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("'=1", "''=1"), ("＝1", "'＝1"), ("\t=1", "'\t'=1"), ("", "'"),
     ("it's", "it's"), ("a - b", "a - b"), ('a;"=1', 'a;"\'=1'), (None, "")],
)  # fmt: skip
def test_cells_are_changed_only_where_a_formula_could_open(text, cell):
    assert cell_of(text) == cell


def test_the_curated_files_are_what_is_written_for_attributes_with_nothing_but_words(tmp_path):
    curated = resource("attribute_db/curated")
    files = write_attributes(read_attributes(curated, origin="curated"), tmp_path, origin="curated")
    assert len(files) == len(list(curated.glob("*.yaml")))
    assert all(filecmp.cmp(file, curated / file.name, shallow=False) for file in files)


def test_yaml_says_only_what_says_something_in_fixed_order():
    full = Attribute(
        phrase="tints smeared", decided_by="ann", status="accepted", call_id=1, identity="a" * 32
    )
    born = Attribute(phrase="specks", origin="import", identity=birth_identity("jpeg", "specks"))
    written = AttributeSet(by_distortion={"jpeg": (full, born)})
    assert attribute_text(written, "yaml", calls=CALLS) == (
        "distortion: jpeg\n"
        "attributes:\n"
        "  - phrase: tints smeared\n"
        f"    id: {'a' * 32}\n"
        "    origin: expert\n"
        "    status: accepted\n"
        "    decided_by: ann\n"
        f"    call: '{CALLS[1]}'\n"
        "  - specks\n"
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_names_no_origin_gets_the_readers(form, tmp_path):
    text = {
        "yaml": "distortion: jpeg\nattributes: [specks]\n",
        "json": '{"format": "attribute-set/2", "distortions": {"jpeg": [{"phrase": "specks"}]}}',
        "csv": "phrase,distortion,origin\r\nspecks,jpeg,\r\n",
    }
    (tmp_path / "it").write_text(text[form])
    read = read_attributes(tmp_path / "it", origin="curated", form=form)
    assert read == AttributeSet.from_phrases({"jpeg": ["specks"]}, origin="curated")


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\ndistortion;phrase\njpeg;soft, hazy\n",
        'distortion,phrase,,\njpeg,"soft, hazy",,\n , ,,\n\u00a0,,,\n',
        'distortion,phrase,,\njpeg,"soft, hazy"\n',
        "Phrase\tDistortion\nsoft, hazy\tjpeg\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_csv_is_read_as_spreadsheets_write_it(text, encoding, end):
    read = parsed(text.replace("\n", end).encode(encoding), "csv")
    assert read.attributes.phrases() == {"jpeg": ("soft, hazy",)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_text_in_an_encoding_that_it_names_is_read_in_every_form(form, encoding):
    written = AttributeSet.from_phrases({"jpeg": ["grid of 8×8 blocks"]})
    text = attribute_text(written, form).removeprefix("\ufeff")
    assert parsed(text.encode(encoding), form) == parsed(text, form)


@pytest.mark.parametrize("form", FORMS)
def test_marks_that_a_form_could_take_for_its_own_stay_in_the_phrase(form):
    phrases = ["blocks # like tiles", "glow: soft", "yes", "12:30", "1.5", "null", "-2 EV look",
               "**soft** outlines", '"blocky" edges', "50% grey", "=1+1", "it's", "C# noise",
               "<think> of fog", "{haze}", "&haze", "a\\nb", "2020-01-01", "1_0"]  # fmt: skip
    written = AttributeSet.from_phrases({"jpeg": phrases})
    assert written.phrases() == {"jpeg": tuple(phrases)}
    read = parsed(attribute_text(written, form), form)
    assert (read.attributes.phrases(), read.warnings) == (written.phrases(), ())


@pytest.mark.parametrize(
    ("entry", "phrase", "warning"),
    [
        (
            "- blocks # like tiles",
            "blocks",
            "line 3: '# like tiles' is a comment, so the text is 'bl",
        ),
        (
            "- blocks\t#x",
            "blocks",
            "line 3: '#x' is a comment, so the text is 'blocks'; put quotes",
        ),
        ("- phrase: é blocks # x", "é blocks", "line 3: '# x' is a comment, so the text is 'é bl"),
        ("- {phrase: blocks # x\n    }", "blocks", "line 3: '# x' is a comment"),
        (
            "- blocks\n    like tiles",
            "blocks like tiles",
            "line 3: the text goes on in line 4: 'bl",
        ),
        (
            "- blocks\n    like # x",
            "blocks like",
            "line 4: '# x' is a comment, so the text is 'blo",
        ),
        ("- blocks\n  # like tiles", "blocks", None),
        ("- blocks\n# like tiles\n", "blocks", None),
        ("- 'blocks # like tiles'", "blocks # like tiles", None),
        ('- "blocks" # like tiles', "blocks", None),
        ("- blocks #like tiles".replace(" #", "#"), "blocks#like tiles", None),
        ("- |\n    blocks # like tiles", "blocks # like tiles", None),
        ("- phrase: blocks\n    status: accepted # at last", "blocks", None),
        ("- blocks\u2028# like\u2029tiles", "blocks", "line 3: '# like tiles' is a comment"),
        ("- soft\x85tiles", "soft tiles", None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_yaml_that_cuts_or_joins_words_is_warned_of_with_its_line(entry, phrase, warning, end):
    text = f"distortion: jpeg # of the catalogue\nattributes:\n  {entry}\n  - specks\n"
    read = parsed(text.replace("\n", end), "yaml")
    assert read.attributes.phrases() == {"jpeg": (phrase, "specks")}
    if warning is None:
        assert read.warnings == ()
    else:
        assert read.warnings[-1].startswith(f"it, {warning}")


def test_a_call_that_the_log_lacks_is_left_out_and_counted():
    some = [Attribute(phrase=f"specks {n}", call_id=n) for n in CALLS]
    text = parsed(
        attribute_text(AttributeSet(by_distortion={"x": some}), "csv", calls=CALLS), "csv"
    )
    known = {CALLS[2]: 70}
    assert (text.digests, text.unlogged(known)) == ({*NUMBERS}, 2)
    assert [a.call_id for a in text.with_calls(known).by_distortion["x"]] == [None, 70, None]


def test_a_call_without_digest_is_not_dropped_silently(tmp_path):
    written = AttributeSet(by_distortion={"x": (Attribute(phrase="specks", call_id=9),)})
    with pytest.raises(StoreError, match="'specks' names LLM call 9, which has no digest"):
        write_attributes(written, tmp_path / "set.json", calls=CALLS)
    assert not any(tmp_path.iterdir())
