"""The documentation says what the commands say."""

import re
from pathlib import Path

import typer.main
from typer.cli import get_docs_for_click

from workbench.cli import cli
from workbench.settings import resource

ROOT = Path(__file__).parent.parent
COMMANDS = ROOT / "docs" / "commands.md"


def commands_page():
    command = typer.main.get_command(cli)
    context = typer.Context(command, info_name="workbench")
    page = get_docs_for_click(obj=command, ctx=context, name="workbench", title="Commands")
    return re.sub(r"[ \t]+$", "", page.strip(), flags=re.M) + "\n"


def test_the_page_of_commands_is_the_help_of_the_commands():
    """Written anew by `python -m tests.test_docs`."""
    assert COMMANDS.read_text(encoding="utf-8") == commands_page()


def test_every_command_in_the_readme_exists():
    known = commands_page()
    for line in re.findall(r"^workbench (.+)$", (ROOT / "README.md").read_text(), flags=re.M):
        name = line.split()[0]
        assert f"## `workbench {name}`" in known, line


def test_every_file_linked_from_a_page_exists():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_make_target_in_the_pages_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"^make ([a-z-]+)", page.read_text(), flags=re.M):
            assert target in targets, target


def test_every_experiment_opens_with_the_command_that_runs_it():
    for file in resource("experiments").glob("*.yaml"):
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# workbench run curated --config experiments/{file.name}"


if __name__ == "__main__":
    COMMANDS.write_text(commands_page(), encoding="utf-8")
