"""Pages, help texts and documentation use the terms of docs/glossary.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "workbench" / "encoders" / "weights" / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page != GLOSSARY),
]
SOURCES = [
    file
    for package in ("app", "cli")
    for file in sorted((ROOT / "workbench" / package).rglob("*.py"))
]
ROMAN = {"II", "III", "IV"}  # numbers of the paper's tables
PLACEHOLDERS = {
    "NAME",
    "DATASET",
    "ID",
    "OUT",
    "REF",
    "FOLDER",
    "MESSAGE",
    "MODEL",
}  # stand for what a user writes
NAMES = {"README", "AUTHORS", "CONTRIBUTING", "CHANGELOG", "US"}  # files; a country


def rows() -> list[list[str]]:
    """Cells of the glossary's table lines, headings left out."""
    lines = re.findall(r"^\| (.+) \|$", GLOSSARY.read_text(encoding="utf-8"), flags=re.M)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("term", "abbreviation")]


TERMS = [row for row in rows() if len(row) == 4]
ABBREVIATIONS = [row for row in rows() if len(row) == 2]
REJECTED = {words: row[0] for row in TERMS for words in row[3].split("; ") if words}


def prose(markdown: str) -> str:
    """The text of a page: no code, addresses or link targets."""
    text = re.sub(r"^```.*?^```", " ", markdown, flags=re.M | re.S)
    text = re.sub(r"^    .*$", " ", text, flags=re.M)
    text = re.sub(r"`[^`]*`|<https?:[^>]*>|\]\([^)]*\)|--8<--.*", " ", text)
    return re.sub(r"\s+", " ", text)


def shown_texts(source: str) -> Iterator[str]:
    """Texts of a module that people read: strings of several words that are no docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
            and " " in node.value.strip()
        ):
            yield prose(node.value)


def rejected_in(text: str) -> list[str]:
    """Rejected words of a text, each with the term to use."""
    return [
        f"'{words}' is '{term}'"
        for words, term in REJECTED.items()
        if re.search(rf"(?<![\w-]){re.escape(words)}(?![\w-])", text, flags=re.I)
    ]


def abbreviations_in(text: str) -> set[str]:
    """Words in capitals, plural s and digits set aside."""
    return set(re.findall(r"(?<![\w-])([A-Z]{2,}\d*)(?=s?(?!\w))", text))


def known_abbreviations() -> set[str]:
    named = " ".join(row[0] for row in TERMS + ABBREVIATIONS)
    return abbreviations_in(named) | ROMAN | PLACEHOLDERS | NAMES


def test_the_glossary_is_a_table_in_alphabetical_order_with_a_meaning_for_every_term():
    for table in (TERMS, ABBREVIATIONS):
        names = [row[0].casefold() for row in table]
        assert len(names) > 40
        assert names == sorted(set(names))
        assert all(row[1] for row in table)


def test_no_term_is_rejected_by_another():
    for row in TERMS:
        assert rejected_in(row[0]) == [], row[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Each of them counts as a look.", "'a look'"),
        ("The seal does not hold.", "'seal'"),
        ("A heart beating every 3 s.", "'heart'"),
        ("The price of explainability is .02.", "'price of explainability'"),
    ],
)
def test_rejected_words_are_found_in_prose_and_not_in_code(text, words):
    assert any(fault.startswith(words) for fault in rejected_in(prose(text)))
    assert rejected_in(prose(f"`{text}`")) == []
    assert rejected_in(prose(f"```\n{text}\n```")) == []


def test_words_that_only_contain_a_rejected_one_are_none():
    assert rejected_in("The sealant looks at home, heartbeat by heartbeat.") == []


def test_abbreviations_are_found_with_digits_and_in_the_plural():
    text = "SRCC and TID2013 on two GPUs, with macro-F1 and MiniLM"
    assert abbreviations_in(text) == {"SRCC", "TID2013", "GPU"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_terms_and_explains_its_abbreviations(page):
    text = prose(page.read_text(encoding="utf-8"))
    assert rejected_in(text) == []
    assert abbreviations_in(text) - known_abbreviations() == set()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_a_module_shows_uses_the_terms(file):
    shown = list(shown_texts(file.read_text(encoding="utf-8")))
    assert [fault for text in shown for fault in rejected_in(text)] == []
    assert {word for text in shown for word in abbreviations_in(text)} - known_abbreviations() == (
        set()
    )


def test_the_texts_of_modules_are_found():
    source = '"""Doc looked at."""\nx = f"It was looked at {n} times"\nst.caption("two words")\n'
    assert [text.strip() for text in shown_texts(source)] == ["It was looked at", "two words"]
