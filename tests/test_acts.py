"""Every act on a page has a command, and the reverse: `docs/acts.md` says which."""

import ast
import re
from pathlib import Path

import pytest
import typer.main

import workbench.app.pages
from workbench.cli import cli
from workbench.registry import discover
from workbench.workflow.draft_acts import ACTS

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "acts.md"

# What only pages call, and the command that does the same by another function; none for what only
# tells a page what to show. Then what only commands change, and the page that does the same.
PAGES_ALONE = {
    "access_log.add_all": "compare --seeds",
    "as_recipe": "distortions add",
    "audit_file": "audit",
    "backup_bytes": "backup",
    "bundle_bytes": "bundle export",
    "build_on": "attributes set",
    "calls_text": "calls export",
    "curated_set": "attributes import",
    "do_act": "attributes set",
    "draft.replace": "attributes import",
    "export_text": "attributes export",
    "model_bytes": "export",
    "open_dataset": "datasets check",
    "read_import": "attributes import",
    "restart_run": "runs resume",
    "runs_of_other_seeds": "compare --seeds",
    "start_run": "run",
    "table_preview": "datasets import",
    "take_bundle": "bundle import",
    "take_table": "datasets import",
    "typed_recipe": "distortions add",
    **dict.fromkeys(
        ("distinct_labels", "free_id", "known_datasets", "last_opened", "nearest_existing",
         "runs_on", "samples", "setting_lines", "time_left_s"),
        "",
    ),
}  # fmt: skip
COMMANDS_ALONE = {
    "comments.add": "Curate",
    "draft.add": "Curate",
    "draft.change_type": "Curate",
    "draft.edit": "Curate",
    "draft.move": "Curate",
    "draft.remove": "Curate",
    "draft.set_status": "Curate",
    "record.undo": "Curate",
}


def leaves(command, path=()):
    """Every command that does something, with its options."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), {option for p in command.params for option in p.opts}
        return
    for name in command.list_commands(None):
        yield from leaves(command.get_command(None, name), (*path, name))


@pytest.fixture(scope="module")
def commands():
    return dict(leaves(typer.main.get_command(cli)))


def rows():
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("page", "---"):
            yield cells


def test_the_table_names_every_page_and_every_command(commands):
    titles = {page.TITLE for page in discover(workbench.app.pages)}
    assert {page for page, *_ in rows()} - {"no page"} == titles
    named = [name for *_, cell in rows() for name in re.findall(r"`([^`]+)`", cell)]
    assert named
    used = set()
    for name in named:
        words, *options = name.split(" --")
        assert words in commands, words
        assert {f"--{option.split()[0]}" for option in options} <= commands[words], name
        used.add(words)
    assert used == set(commands)


def test_what_pages_call_commands_call_too_or_do_otherwise(commands):
    app, cli = calls("app"), calls("cli")
    assert app - cli == set(PAGES_ALONE)
    assert {name for name in cli - app if "." in name} == set(COMMANDS_ALONE)
    assert {name.split(" --")[0] for name in PAGES_ALONE.values() if name} <= set(commands)
    assert set(COMMANDS_ALONE.values()) <= {page for page, *_ in rows()}


def test_every_act_on_the_table_of_attributes_has_a_command():
    told = " ".join(act for page, act, _ in rows() if page == "Curate")
    assert [act for act in ACTS if act not in told] == []


def calls(room):
    """What a room calls of `workbench.workflow`, and of what changes the store."""
    acts = set(store_acts())
    found = set()
    for file in (ROOT / "workbench" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and "workbench.workflow" in (node.module or ""):
                found |= {alias.name for alias in node.names if alias.name[0].islower()}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                found |= acts & {f"{node.value.attr}.{node.attr}"}
    return found


def store_acts():
    """As `store.draft.edit` is written in the rooms, of each act that has a role."""
    store = (ROOT / "workbench" / "store" / "store.py").read_text(encoding="utf-8")
    names = {made: name for name, made in re.findall(r"self\.(\w+) = (\w+)\(database\)", store)}
    roles = (ROOT / "tests" / "store" / "test_store_roles.py").read_text(encoding="utf-8")
    for repository, act in re.findall(r'"(\w+)\.(\w+)": lambda', roles):
        yield f"{names.get(repository, 'runs')}.{act}"
