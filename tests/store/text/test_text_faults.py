"""A faulty file is refused whole, and every fault is named with its line."""

import json

import pytest

from workbench.errors import ConfigError, InvalidConfigError
from workbench.store.text import attribute_text, parse_attributes, read_attributes
from workbench.store.text.assembly import MAX_BYTES

from ..store_examples import a_set
from .sets import json_document

A, D = "a" * 32, "d" * 64


def faults_of(text, form):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidConfigError) as refused:
        parse_attributes(data, name="it", form=form)
    assert "\n" not in str(refused.value)
    return list(refused.value.faults)


YAML = f"""distortion: jpeg
attributes:
  - blocky edges
  - yes
  - phrase: Blocky edges
    status: fine
  - phrase: blocky edges
    staus: accepted
  - id: {A}
    id: {A}
  - phrase: specks
    id: {A}
  - phrase: tiles
    id: {A}
    call: 5
  - Blocky Edges.
  - "the "
  - ''
  - {"x" * 201}
  - phrase: [a]
author: ann
"""


def test_every_fault_of_a_yaml_file_is_named_with_its_line():
    reported = faults_of(YAML, "yaml")
    expected = [
        (4, "'yes' is no phrase; put words in quotes"),
        (5, "'jpeg' has 'blocky edges' in line 3 already"),
        (6, "status: input should be 'proposed', 'accepted', 'needs work' or 'rejected'"),
        (7, "'jpeg' has 'blocky edges' in line 3 already"),
        (8, "'staus': no such field; an attribute has phrase, id, origin, status"),
        (9, "phrase: is missing"),
        (10, "id: stands in line 9 already"),
        (14, "id: belongs to the attribute in it, line 12 already"),
        (15, "call: '5' is no text; put it in quotes"),
        (16, "'jpeg' has 'blocky Edges' in line 3 already"),
        (17, "phrase: an attribute needs words"),
        (18, "phrase: string should have at least 1 character"),
        (19, "phrase: string should have at most 200 characters"),
        (20, "phrase: a list is no text; put it in quotes"),
        (21, "'author': no such field; a file has distortion, attributes"),
    ]
    assert len(reported) == len(expected)
    for fault, (line, words) in zip(reported, expected, strict=True):
        assert fault.startswith(f"it, line {line}: {words}"), fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: is empty; it needs the fields 'distortion' and 'attributes'"),
        ("- a\n", "line 1: a list is no mapping; a file has the fields distortion, attributes"),
        ("distortion: jpeg\n", "line 1: attributes: is missing"),
        ("attributes: [a haze]\ndistortion: 5", "line 2: distortion: '5' is no name"),
        ("distortion: ' '\nattributes: [haze]", "line 1: the distortion has no name"),
        ("distortion: x\nattributes: []", "line 2: attributes: must be a list of phrases"),
        ("distortion: x\nattributes: {a: b}", "line 2: attributes: must be a list of phrases"),
        (
            "distortion: x\nattributes: [haze]\ndistortion: y",
            "line 3: distortion: stands in line 1",
        ),
        (
            "distortion: x\nattributes: [haze",
            "line 2: is no YAML: while parsing a flow sequence, did not find",
        ),
        ("distortion: x\nattributes: [a\x01]", "line 2: holds a control character"),
        ("a: &a [x]\nb: *a", "line 1: anchors and aliases are not read; write the words out"),
        ("x: " + "[" * 100_000, "line 1: is nested deeper than a list of attributes"),
        (
            "distortion: x\nattributes: [!!python/name:os.system haze]",
            "line 2: 'haze' is no phrase",
        ),
        ("distortion: x\nattributes: [{<<: {phrase: haze}, phrase: b}]", "line 2: '<<': no such"),
        (
            "distortion: x\nattributes:\n  - glow: soft",
            "line 3: 'glow': no such field; an attribute has phrase, id, origin, status, "
            "decided_by, call; a phrase with a colon needs quotes",
        ),
        (
            "distortion: x\nattributes:\n  - # haze\n",
            "line 3: nothing is no phrase; put words in quotes, for '# haze' is a comment",
        ),
        ("distortion: x\nattributes:\n  - {[haze]: soft}", "line 3: a list: no such field"),
        ("distortion: x\nattributes:\n  - {{a: b}: c}", "line 3: a mapping: no such field"),
        ("distortion: x\r\nattributes:\r\n  - 12:30\r\n", "line 3: '12:30' is no phrase; put"),
        ("distortion: x\rattributes:\r  - 2020-01-01\r", "line 3: '2020-01-01' is no phrase; put"),
        ("distortion: x\nattributes:\n  - 1.5\n", "line 3: '1.5' is no phrase; put"),
        (
            'distortion: x\nattributes:\n  - "soft" edges\n',
            "line 3: is no YAML: while parsing a block collection, did not find expected '-' "
            "indicator; a phrase with marks such as",
        ),
        ("distortion: x\rattributes:\r\t- haze", "line 3: is no YAML: while scanning for the next"),
        ("distortion: x\rattributes:\r  - a\x0bb", "line 3: holds a control character"),
    ],
)
def test_a_file_that_is_no_yaml_of_attributes_is_refused_in_one_line(text, fault):
    (reported,) = faults_of(text, "yaml")
    assert reported.startswith(f"it, {fault}"), reported


def test_a_bomb_of_aliases_is_refused_before_it_goes_off():
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    # It holds 9 to the power of 39 values: who expands it never comes back.
    assert faults_of(bomb, "yaml") == [
        "it, line 1: anchors and aliases are not read; write the words out"
    ]


def json_lines(*attributes):
    return json.dumps(json_document(jpeg=list(attributes)), indent=1)


def test_every_fault_of_a_json_file_is_named_with_its_line():
    text = json_lines(
        {"phrase": "specks", "id": A},
        {"phrase": "Specks.", "id": A, "call": "5"},
        {"phrase": 5, "mood": ""},
        "specks",
        {"phrase": "the", "status": None},
    ).replace('"call"', '"phrase": "SPECKS", "call"')
    for fault, words in zip(
        faults_of(text, "json"),
        [
            "line 11: id: belongs to the attribute in it, line 7 already",
            "line 12: 'phrase' stands in this object already",
            "line 12: call: string should match pattern",
            "line 12: 'jpeg' has 'SPECKS' in line 6 already",
            "line 15: phrase: input should be a valid string, got 5",
            "line 16: mood: no such field",
            'line 18: "specks" is no attribute; it must be an object',
            "line 20: phrase: an attribute needs words, not only 'there is'",
            "line 21: status: input should be 'proposed'",
        ],
        strict=True,
    ):
        assert words in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            attribute_text(a_set(), "json")[:93],
            "line 6: is no JSON from column 19 on: Unterminated",
        ),
        ("[]", 'line 1: needs "format": "attribute-set/2", got nothing'),
        ('{"format": "attribute-set/3"}', "got 'attribute-set/3'"),
        ('{"format": "attribute-set/2",\n"distortions": []}', "line 2: distortions: must be"),
        ('{"format": "attribute-set/2",\n"distortions":\n{"x": 1}}', "line 3: 'x': must be a list"),
        ("[" * 100_000, "line 1: is nested deeper than an attribute set"),
        ("9" * 5000, "line 1: is no attribute set: Exceeds the limit"),
        ('{"format": "attribute-set/2", "distortions": {"x": [], "x": []}}', "'x' stands in this"),
        ('{"format": "attribute-set/2", "distortions": {"": [{"phrase": "a"}]}}', "has no name"),
    ],
)
def test_a_file_that_is_no_json_of_attributes_is_refused_in_one_line(text, fault):
    (reported,) = faults_of(text, "json")
    assert fault in reported


def test_two_attributes_in_one_line_of_json_are_told_apart():
    text = json.dumps(json_document(x=[{"phrase": "haze"}, {"phrase": "Haze"}]))
    assert faults_of(text, "json") == ["it, line 1: 'x' has 'haze' in line 1 already"]


def test_every_fault_of_a_csv_file_is_named_with_its_line():
    rows = [
        "distortion;phrase;id;status;decided_by",
        'jpeg;specks;;;"ann\r\nbee"',
        f"jpeg;tiles;{A};fine;",
        ";;;;",
        "jpeg;Specks;;;",
        "jpeg;a;b;c;d;e",
        "jpeg",
        f"blur;tiles;{A};;",
        ";tiles;;;",
        "jpeg;;;;",
    ]
    for fault, words in zip(
        faults_of("\r\n".join(rows), "csv"),
        [
            "line 4: status: input should be 'proposed'",
            "line 6: 'jpeg' has 'specks' in line 2 already",
            "line 7: has 6 cells, the header 5",
            "line 8: has 1 cells, the header 5",
            "line 9: id: belongs to the attribute in it, line 4 already",
            "line 10: the distortion has no name",
            "line 11: phrase: is missing",
        ],
        strict=True,
    ):
        assert words in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: column 'distortion' is missing"),
        ("distortion,words\n", "line 1: no such column 'words'; there are distortion, phrase, id"),
        ("distortion,phrase,phrase\n", "line 1: column 'phrase' stands twice"),
        ('distortion,phrase\njpeg,"haze', "line 2: is no CSV: unexpected end of data"),
        ("sep=;\ndistortion;words\n", "line 2: no such column 'words'; there are distortion"),
        (
            "distortion,,phrase\njpeg,x,haze\n",
            "line 1: a column without a name has text below it; name it, or empty it",
        ),
        ("distortion,phrase,,\njpeg,haze,,x\n", "line 1: a column without a name has text below"),
        ("distortion,phrase\njpeg,haze,\n", "line 2: has 3 cells, the header 2"),
    ],
)
def test_a_file_that_is_no_csv_of_attributes_is_refused(text, fault):
    assert f"it, {fault}" in " ".join(faults_of(text, "csv"))


@pytest.mark.parametrize("form", ["yaml", "json", "csv"])
@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ("distortion: x".encode("utf-16")[:-1], "it: is cut off, or no UTF-16; save it as UTF-8"),
        ("distortion: x".encode("utf-16-le"), "it: is UTF-16 or binary; save it as UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it: is binary, no text"),
        (
            "a\né".encode("cp1252"),
            "it, line 2: is not UTF-8 from character 1 on; a spreadsheet saves it as 'CSV UTF-8'",
        ),
        (b" " * (MAX_BYTES + 1), "it: is larger than the 20 MB that are read"),
    ],
)
def test_what_is_no_text_is_refused_in_one_line(data, fault, form):
    assert faults_of(data, form) == [fault]


def test_faults_of_all_files_of_a_folder_are_named_together(tmp_path):
    (tmp_path / "a.yaml").write_text(f"distortion: jpeg\nattributes: [{{phrase: haze, id: {A}}}]\n")
    (tmp_path / "b.yaml").write_text("distortion: jpeg\nattributes: [haze]\n")
    (tmp_path / "c.yml").write_text(f"distortion: x\nattributes: [{{phrase: haze, id: {A}}}]\n")
    (tmp_path / "d.yaml").write_bytes(b"\xff")
    with pytest.raises(InvalidConfigError) as refused:
        read_attributes(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} has 3 faults: "
        "b.yaml, line 1: 'jpeg' has its attributes in a.yaml, line 1 already; "
        "c.yml, line 2: id: belongs to the attribute in a.yaml, line 2 already; "
        "d.yaml, line 1: is not UTF-8 from character 1 on; a spreadsheet saves it as 'CSV UTF-8'."
    )


@pytest.mark.parametrize(
    ("name", "form", "message"),
    [
        ("none.csv", None, "No attribute file at .*none.csv; expected a YAML, JSON or CSV file"),
        ("", None, "No attribute file at"),
        ("set.txt", None, "Cannot tell the form of .*set.txt by its name; say which of yaml, json"),
    ],
)
def test_a_place_without_attributes_is_said_to_have_none(tmp_path, name, form, message):
    (tmp_path / "set.txt").write_text("distortion: x\nattributes: [haze]\n")
    with pytest.raises(ConfigError, match=message):
        read_attributes(tmp_path / name, form=form)


def test_a_folder_is_read_as_yaml_only(tmp_path):
    (tmp_path / "a.yaml").write_text("distortion: x\nattributes: [haze]\n")
    with pytest.raises(ConfigError, match="is a folder, which holds YAML; name a file for csv"):
        read_attributes(tmp_path, form="csv")
