"""The documentation says what the commands, targets, settings and files say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml
from typer.cli import get_docs_for_click

from workbench.cli import cli
from workbench.encoders.offline import NOTE
from workbench.settings import resource

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
COMMANDS = DOCS / "commands.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# Pages that show one thing: included files, tables of reference, records of decisions.
REFERENCE = {"index.md", "commands.md", "glossary.md", "model-card.md", "changelog.md",
             "contributing.md"}  # fmt: skip
GUIDES = [page for page in sorted(DOCS.glob("*.md")) if page.name not in REFERENCE]


def read(page):
    return page.read_text(encoding="utf-8")


def named(page):
    return str(page.relative_to(ROOT))


def commands_page():
    command = typer.main.get_command(cli)
    context = typer.Context(command, info_name="workbench")
    page = get_docs_for_click(obj=command, ctx=context, name="workbench", title="Commands")
    return re.sub(r"[ \t]+$", "", page.strip(), flags=re.M) + "\n"


def navigation(entries):
    """Every page that the site's navigation names, in order."""
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from [value] if isinstance(value, str) else navigation(value)


def site_configuration():
    return yaml.safe_load(read(ROOT / "mkdocs.yml"))


def test_the_page_of_commands_is_the_help_of_the_commands():
    """Written anew by `python -m tests.test_docs`."""
    assert read(COMMANDS) == commands_page()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_a_page_links_or_shows_exists(page):
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", read(page)):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_in_a_page_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), flags=re.M))
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```", read(page), flags=re.M | re.S))
    spans = re.findall(r"`make ([a-z-]+)", read(page))
    for target in re.findall(r"^make ([a-z-]+)", blocks, flags=re.M) + spans:
        assert target in targets


def test_the_readme_fits_on_a_screen_and_shows_two_pictures_and_the_two_commands():
    readme = read(ROOT / "README.md")
    assert len(readme.splitlines()) <= 80
    assert len(re.findall(r"^!\[", readme, flags=re.M)) == 2
    (first, *_) = re.findall(r"^```\n(.*?)^```", readme, flags=re.M | re.S)
    assert re.findall(r"^make [a-z]+", first, flags=re.M) == ["make demo", "make test"]


@pytest.mark.parametrize("page", GUIDES, ids=named)
def test_a_guide_opens_with_what_one_can_do_and_the_command_that_does_it(page):
    lines = read(page).splitlines()
    assert lines[0].startswith("# ")
    assert re.match(r"[A-Z]", lines[2]), "one sentence before anything else"
    opening = re.split(r"^## ", read(page), flags=re.M)[0]
    assert re.search(r"^```\w*\n(\$ )?(workbench|make|python) ", opening, flags=re.M)


def test_the_navigation_names_every_page_once_and_begins_in_reading_order():
    shown = list(navigation(site_configuration()["nav"]))
    assert sorted(shown) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))
    sections = [name for entry in site_configuration()["nav"] for name in entry]
    assert sections == ["Overview", "Start", "Curate", "Add a type", "Run", "Compare", "Score",
                        "Datasets", "Method", "Operate", "Reference"]  # fmt: skip


def test_the_index_leads_to_every_guide():
    linked = set(re.findall(r"\]\(([^)#]+)\)", read(DOCS / "index.md")))
    assert {page.name for page in GUIDES} <= linked


def test_the_index_of_decisions_names_every_record():
    linked = re.findall(r"\]\((\d{4}-[^)]+)\)", read(DOCS / "decisions" / "index.md"))
    assert linked == sorted(page.name for page in (DOCS / "decisions").glob("0*.md"))


def test_the_settings_of_the_page_are_those_that_are_read():
    table = set(re.findall(r"`((?:WORKBENCH|OPENAI)_[A-Z_]+)`", read(DOCS / "operating.md")))
    source = read(ROOT / "workbench" / "settings.py")
    assert table == set(re.findall(r'"((?:WORKBENCH|OPENAI)_[A-Z_]+)"', source))


@pytest.mark.parametrize("folder", [".", "paper", "ablations"])
def test_every_experiment_opens_with_the_command_that_runs_it(folder):
    files = sorted((resource("experiments") / folder).glob("*.yaml"))
    assert files
    for file in files:
        name = file.relative_to(resource("experiments"))
        assert read(file).splitlines()[0] == f"# workbench run curated --config experiments/{name}"


def test_every_experiment_is_in_the_table_of_experiments():
    page = read(DOCS / "experiments.md")
    for file in resource("experiments").rglob("*.yaml"):
        name = file.relative_to(resource("experiments")).with_suffix("")
        if name.parts[0] not in ("baselines", "dinov2_encoder", "offline_encoder", "results"):
            assert f"`{name.name}`" in page or f"`{name}`" in page or name.name.startswith("demo")


def test_the_offline_encoders_photographs_are_counted_alike_everywhere():
    folder = ROOT / "experiments" / "offline_encoder"
    listed = yaml.safe_load(read(folder / "photographs.yaml"))
    count = sum(len(package["files"]) for package in listed["packages"].values())
    count += int(re.search(r"Wikipedia.*\| (\d+) \|", read(ROOT / MODEL_CARD))[1])
    chosen_by = len(
        range(count)[3 :: yaml.safe_load(read(folder / "train.yaml"))["validation_every"]]
    )
    assert (count - chosen_by, chosen_by) == (85, 17)
    assert f"{count} photographs" in read(ROOT / MODEL_CARD)
    for text in [*(read(page) for page in PAGES), NOTE]:
        for number in re.findall(r"distortions of (?:about )?(\d+)\s+photographs", text):
            assert number == "85"
    assert "85 photographs" in NOTE


MODEL_CARD = "workbench/encoders/weights/README.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built as `make docs` builds it, from copies."""
    place = tmp_path_factory.mktemp("site")
    for name in ("docs", ".docs", "workbench"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("*.safetensors"))
    for name in ("mkdocs.yml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, place / name)
    done = subprocess.run(
        [Path(sys.executable).parent / "zensical", "build", "--clean", "--strict"],
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "site"


@pytest.mark.process
def test_the_site_has_a_page_for_every_page(site):
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert pages <= {page.relative_to(site) for page in site.rglob("*.html")}


@pytest.mark.process
def test_the_site_includes_the_files_that_are_kept_elsewhere(site):
    for page, words in {
        "model-card": "It is not CLIP.", "changelog": "0.1.0", "contributing": "Habits",
        "api/evaluation": "attribute_probabilities", "api/inference": "load_model",
    }.items():  # fmt: skip
        assert words in read(site / f"{page}.html"), page


@pytest.mark.process
def test_no_page_of_the_site_loads_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", read(page))
        assert [
            tag for tag in tags if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)
        ] == []


if __name__ == "__main__":
    COMMANDS.write_text(commands_page(), encoding="utf-8")
