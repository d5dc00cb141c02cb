"""Every command line of README and docs/ runs to its end, page by page, in order.

A workspace is prepared once, as `make demo` leaves one, only smaller: the aliases, runs and files
that the pages name. Each page gets a copy of it. Lines that cannot run here are parsed in full,
with all their options; `PARSED_ONLY` lists them with the reason.
"""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import typer.main
import yaml
from PIL import Image
from scipy.ndimage import gaussian_filter
from typer.exceptions import TyperException

from tests.cache import own_cache
from tests.drafting.behaviours import lists
from tests.drafting.conftest import ScriptedServer
from tests.factories import make_proposal
from workbench.cli import cli, main
from workbench.domain.proposal import OtherSentence
from workbench.domain.question import Asked
from workbench.experiment.config_files import load_experiment
from workbench.settings import resource
from workbench.store import open_store
from workbench.workflow.runs import enqueue_run

pytestmark = pytest.mark.slow  # real runs, one page after the other

ROOT = Path(__file__).parents[2]
GENERATED = "commands.md"  # the help texts, which tests/test_docs.py compares
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

PARSED_ONLY = {
    "workbench app": "serves until it is stopped; test_app_command runs it",
    "workbench run curated --config experiments/paper/kadid10k.yaml --set "
    "data.root=/media/KADID-10k": "needs KADID-10k and CLIP",
    "workbench run curated --config experiments/paper/kadid10k-transfer.yaml --set "
    "transfer.0.root=/media/TID2013": "needs KADID-10k, TID2013 and CLIP",
    "workbench run curated --config experiments/paper/kadid10k-transfer.yaml --stand-in "
    "--elsewhere holiday/": "test_stand_in_job runs it",
    "workbench datasets check kadid10k ~/data/kadid10k": "needs all of KADID-10k to find no fault",
    "workbench generate holiday/ my-set --count 100000 --workers 2": "takes hours",
    "workbench export 2 my-model/ --onnx --force": "half a minute; tests/inference runs it",
    "workbench improve": "half a minute; tests/drafting/improvement runs it",
    "workbench run draft curated --config experiments/demo-quick.yaml --seeds 0,1,2": "six runs",
    "workbench compare draft curated --seeds": "needs those; test_compare_command runs it",
    "workbench questions ask jpeg pixelate --samples 3": "its process outlives the page",
    "workbench worker --executor ray": "works until it is stopped; test_main_job runs it",
    "workbench versions list --db postgresql+pg8000://user@host/workbench": "needs that server; "
    "tests/store runs on PostgreSQL",
}

DEMO = {
    "name": "demo",
    "data": {
        "photographs": "pictures", "distortions": ["jpeg", "pixelate"], "width": 224, "height": 224
    },
    "encoder": {"name": "offline"},
    "tuning": {"mode": "none"},  # other tests tune; here the commands count
    "regressor": {"epochs": 20},
    "split": {"folds": 2},
}  # fmt: skip


def code_blocks(page):
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def command_lines(page):
    """Lines of a page's code blocks that start with `workbench`, without prompts and comments."""
    if page.name == GENERATED:
        return []
    lines = "".join(block for _, block in code_blocks(page)).splitlines()
    lines = [line.removeprefix("$ ") for line in lines]
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines if line.startswith("workbench ")]


def python_blocks(page):
    blocks = [block for language, block in code_blocks(page) if language == "python"]
    return [block for block in blocks if "model" in block]


def call(line):
    """Run a command line in this process; return (exit status, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", shlex.split(line))
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    return ended.value.code or 0, out.getvalue(), err.getvalue()


def succeed(line):
    status, out, err = call(line)
    assert status == 0, f"{line}\n{out}\n{err}"
    return out


def parse(line):
    """Parse a command line with every option, as the command line would; nothing is run."""
    command = typer.main.get_command(cli)
    _, *words = shlex.split(line)
    command, words = subcommand(command, words)
    assert not hasattr(command, "get_command"), f"no command of that name: {line}"
    return command.make_context(line, words)


def subcommand(command, words):
    """Return the command that the first words name, and the words that are left."""
    context = typer.Context(command, info_name="workbench")
    while words and hasattr(command, "get_command"):
        inner = command.get_command(context, words[0])
        if inner is None:
            break
        command, words = inner, words[1:]
    return command, words


def pictures(folder, count, seed):
    """Pictures that no package ships, with detail at several sizes."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        noise = rng.normal(size=(240, 320, 3))
        picture = sum(size * gaussian_filter(noise, (size, size, 0)) for size in (1, 4, 16))
        picture = (picture - picture.min()) / np.ptp(picture) * 255
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"{number}.png")


def write_files(place):
    """The files that the pages name."""
    experiments = place / "experiments"
    (experiments / "paper").mkdir(parents=True)
    shutil.copytree(resource("experiments") / "controls", experiments / "controls")
    (experiments / "demo.yaml").write_text(yaml.safe_dump(DEMO))
    csiq = yaml.safe_load((resource("experiments") / "paper" / "csiq.yaml").read_text())
    csiq["data"]["distortions"] = ["jpeg"]
    csiq |= {
        "tuning": {"mode": "none"},
        "split": {"folds": 2},
        "regressor": {"epochs": 9},
    }
    (experiments / "paper" / "csiq.yaml").write_text(yaml.safe_dump(csiq))
    pictures(place / "pictures", 3, seed=0)
    pictures(place / "holiday", 2, seed=1)
    with Image.open(place / "holiday" / "0.png") as picture:
        picture.save(place / "clean.png")
        picture.save(place / "photo.jpg", quality=20)
        picture.save(place / "photo.png")
    rows = [f"pictures/{number}.png,{number + 1}" for number in range(3)]
    (place / "ratings.csv").write_text("\n".join(["image,score", *rows]) + "\n")


def by_seed(handler):
    """Answer each question with five phrases, others for another seed or model."""
    kinds = ("edges", "skies", "walls", "faces", "leaves")
    looks = ("pale", "ragged", "dull", "grainy")
    look = looks[handler.body["seed"] % len(looks)]
    phrases = [f"{look} {kind}" for kind in kinds]
    if handler.body["model"] == "blocks":
        phrases = ["blocky seams", "not sharp", "square skies", "stairs", "tiles"]
    lists(*phrases)(handler)


@pytest.fixture(scope="module")
def server():
    """A real HTTP server that speaks the language model's protocol."""
    server = ScriptedServer()
    server.behaviours = [by_seed]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, server):
    """The workspace that each page gets a copy of."""
    place = tmp_path_factory.mktemp("documented") / "workspace"
    place.mkdir()
    write_files(place)
    with in_workspace(place, server):
        draft_and_freeze(place)
        for line in (
            "workbench run draft --config experiments/demo.yaml",
            "workbench run curated --config experiments/demo.yaml",
            "workbench run curated --config experiments/demo.yaml --set regressor.epochs=9",
            "workbench export 2 exported/",
        ):
            succeed(line)
    return place


def draft_and_freeze(place):
    """Versions as the pages name them, and two lines of edits that merge, and two that conflict."""
    succeed("workbench draft jpeg pixelate")
    succeed("workbench freeze -m 'As drafted' --alias draft")
    (place / "curated").mkdir()
    for distortion in DEMO["data"]["distortions"]:
        shutil.copy(resource("attribute_db/curated") / f"{distortion}.yaml", place / "curated")
    succeed("workbench attributes import curated")
    succeed("workbench freeze -m 'As curated' --alias curated")
    for alias in ("baseline", "best"):
        succeed(f"workbench versions alias {alias} curated")
    for alias, old, new in (
        ("ours", "tints smeared within square tiles", "tints smeared in tiles"),
        ("theirs", "chunky, low-resolution look", "chunky look"),
        ("ann", "checkered patterns in flat areas", "checks in flat areas"),
        ("bob", "checkered patterns in flat areas", "chequers where it is plain"),
    ):
        succeed("workbench versions restore curated")
        rows = json.loads(succeed("workbench attributes list --json"))
        (id,) = (row["id"] for row in rows if row["phrase"] == old)
        succeed(f"workbench attributes set {id} --phrase '{new}'")
        succeed(f"workbench freeze -m '{new}' --alias {alias}")
    succeed("workbench versions restore curated")


@contextlib.contextmanager
def in_workspace(place, server):
    """Make a folder the whole surroundings of commands that run in this process."""
    surroundings = {
        "HOME": str(place), "WORKBENCH_HOME": str(place), "WORKBENCH_AUTHOR": "ann",
        "WORKBENCH_CACHE": own_cache(place.parent), "WORKBENCH_OFFLINE": "1",
        "WORKBENCH_DB": f"sqlite:///{place / 'store.sqlite'}",
        "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.url,
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("WORKBENCH_", "OPENAI_"))]:
            patch.delenv(name)
        for name, value in surroundings.items():
            patch.setenv(name, value)
        patch.chdir(place)
        yield


@pytest.fixture
def workspace(prepared, server, request):
    """A copy of the prepared workspace, which is the surroundings of the test."""
    place = prepared.parent / re.sub(r"\W", "-", request.node.callspec.id)
    shutil.copytree(prepared, place)
    with in_workspace(place, server):
        yield place
    shutil.rmtree(place)


def prepare_adding(place):
    (recipe,) = (
        block for language, block in code_blocks(ROOT / "docs" / "adding-a-distortion.md")
        if language == "yaml"
    )  # fmt: skip
    (place / "night.yaml").write_text(recipe)
    Image.new("RGB", (64, 48), (90, 120, 90)).save(place / "in.png")


def prepare_operating(place):
    with open_store(os.environ["WORKBENCH_DB"]) as store:
        config = load_experiment(place / "experiments" / "demo.yaml", ["seed=1"])
        assert enqueue_run(store, "curated", config).id == 4


def prepare_datasets(place):
    succeed(
        "workbench generate packaged my-set --count 20 --max-distortions 2 --size 96x64 --workers 1"
    )


def prepare_lint(place):
    """One distortion is enough: each is distorted, encoded and measured alike."""
    rows = json.loads(succeed("workbench attributes list --distortion pixelate --json"))
    for row in rows:
        succeed(f"workbench attributes remove {row['id']}")
    succeed("workbench freeze -m 'One distortion' --alias curated")


def prepare_drafting(place):
    """A model has said what the page takes and rejects."""
    with open_store(os.environ["WORKBENCH_DB"]) as store:
        asked = Asked(distortions=("jpeg",), model="blocks", samples=1)
        question, _ = store.questions.ask(asked, author="ann")
    succeed(f"workbench questions answer {question.id}")


def prepare_improving(place):
    """Six proposals, numbered as on the page."""
    with open_store(os.environ["WORKBENCH_DB"]) as store:
        rows = store.draft.rows()[:6]
        made = [make_proposal(row, f"words number {n}") for n, row in enumerate(rows)]
        other = OtherSentence(new="words beside", figures=made[0].after, validation_gain=0.1)
        proposed = [each.model_copy(update={"others": (other,)}) for each in made]
        assert len(store.proposals.add_all(proposed, author="ann")) == 6


PREPARED = {
    "adding-a-distortion": prepare_adding, "datasets": prepare_datasets, "lint": prepare_lint,
    "drafting": prepare_drafting, "improving": prepare_improving,
    "operating": prepare_operating,
}  # fmt: skip
WITH_COMMANDS = [page for page in PAGES if command_lines(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_every_command_line_of_a_page_runs_to_its_end(page, workspace):
    PREPARED.get(page.stem, lambda place: None)(workspace)
    for line in command_lines(page):
        if line in PARSED_ONLY:
            parse(line)
        else:
            succeed(line)
    names = {"__name__": "__main__"}
    for block in python_blocks(page) if page.stem in ("start", "scoring") else ():
        exec(compile(block, str(page), "exec"), names)


def test_no_line_is_excused_that_no_page_has():
    documented = {line for page in WITH_COMMANDS for line in command_lines(page)}
    assert set(PARSED_ONLY) <= documented
    assert len(PARSED_ONLY) < len(documented) / 8


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("workbench score photo.jpg --ran 2", "No such option"),
        ("workbench scores photo.jpg", "no command of that name"),
        ("workbench freeze", "message"),
        ("workbench attributes lints", "no command of that name"),
        ("workbench score photo.jpg --run two", "valid integer"),
    ],
)
def test_a_line_that_the_command_line_refuses_is_found(line, words):
    with pytest.raises((AssertionError, TyperException), match=words):
        parse(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_named_within_a_sentence_exist_with_their_options(page):
    for span in re.findall(r"`workbench ([a-z][^`]*)`", page.read_text(encoding="utf-8")):
        workbench = typer.main.get_command(cli)
        command, words = subcommand(workbench, span.split())
        assert command is not workbench, span
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options | {"--help"}, span


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_experiment_scripts_that_a_page_names_know_their_options(page):
    text = page.read_text(encoding="utf-8")
    for module, options in re.findall(r"python -m (experiments[\w.]*)([^`\n]*)", text):
        file = ROOT / Path(*module.split("."))
        script = file / "__main__.py" if file.is_dir() else file.with_suffix(".py")
        source = script.read_text(encoding="utf-8")
        for option in re.findall(r"--[a-z-]+", options):
            assert f'"{option}"' in source, option
