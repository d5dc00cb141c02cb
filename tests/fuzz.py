"""Whatever is read from outside gives a value or a WorkbenchError: never a crash, never a half.

python -m tests.fuzz              # ten minutes over all readers, two at a time
python -m tests.fuzz 1 bundle     # one minute, one reader

Good inputs are damaged at random, and Hypothesis shrinks what fails. Each reader has a process of
its own, whose memory is limited; what it wrote before it refused must be gone.
"""

import io
import json
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from tests.store.store_examples import a_set
from workbench.datasets.image_reader import read_image
from workbench.datasets.table_preview import preview
from workbench.distortions.recipe_files import read_recipe
from workbench.domain.attributes import Attribute, normalise_phrase
from workbench.drafting.parse import parse_attributes as parse_reply
from workbench.errors import WorkbenchError
from workbench.experiment.config_files import load_experiment
from workbench.settings import resource as shipped
from workbench.store import open_store
from workbench.store.bundle import export_bundle, import_bundle
from workbench.store.text import attribute_text, parse_attributes

MEMORY_BYTES = 3 << 30  # a reader of the largest photograph needs about two thirds of it
EXAMPLES = 500  # in one go; goes follow each other until the time is over
TOKENS = [b"", b"\0", b"\n", b"\r", b'"', b"'", b",", b";", b":", b"{", b"[", b"]", b"}", b"\\",
          b"- ", b"#", b"&a ", b"*a", b"<<: ", b"!!python", b"---\n", b"\xff\xfe", b"\xef\xbb\xbf",
          b"\xe2\x80\xa8", b"\xc2\x85", b"9" * 400, b"1e999", b"NaN", b"-1", b"null", b"\xd8\x00",
          b"[" * 3000, b"2026-13-45", b"\xff" * 9, b"<think>", b"```", b"0x1F", b"1_0"]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Return one of the originals with up to eight places cut, doubled, flipped or overwritten."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 8))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 4, 16, 1 << 20])))
        match draw(st.sampled_from(["replace", "token", "double", "flip"])):
            case "replace":
                data[start:end] = draw(st.binary(max_size=8))
            case "token":
                data[start:end] = draw(st.sampled_from(TOKENS))
            case "double":
                data[start:start] = data[start:end]
            case "flip" if start < len(data):
                data[start] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


def refused(read: Callable[[], object]) -> bool:
    """Whether a reader refuses, in one line; any other exception is a fault of the reader."""
    said = None
    try:
        read()
    except WorkbenchError as error:
        said = str(error)
    assert said is None or (said.strip() and "\n" not in said), said
    return said is not None


def replies(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    phrases = ["soft smeared outlines", "pale hazy sky", "**melted** “texture”"]
    listed = json.dumps({"attributes": phrases}, ensure_ascii=False)
    numbered = "\n".join(f"{n}. **{phrase}**: so it is" for n, phrase in enumerate(phrases, 1))
    originals = [listed, f"<think>{listed}</think>\n```json\n{listed}\n```", numbered, str(phrases)]

    def check(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        if not refused(lambda: parse_reply(text, 3)):
            assert len({Attribute(phrase=p).phrase for p in parse_reply(text, 3)}) == 3

    return damaged([text.encode() for text in originals]), check


def phrases(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    def check(text: str) -> None:
        bare = normalise_phrase(text)
        assert normalise_phrase(bare) == bare
        with suppress(ValidationError):
            assert Attribute(phrase=text).phrase == bare

    marks = st.text("\"'“”‘’*_`-•1.)( abÀ\u0301\u200b\ufeff\u202e", max_size=30)
    return st.text() | marks, check


def attribute_files(form: str, folder: Path) -> tuple[st.SearchStrategy, Callable]:
    good = "distortion: jpeg\nattributes:\n  - blocky edges\n  - {phrase: sky, status: accepted}\n"
    if form != "yaml":
        good = attribute_text(a_set(), form, calls=None)
    originals = [good.encode(), good.encode("utf-16"), b"\xef\xbb\xbfsep=;\n" + good.encode()]
    return damaged(originals), lambda data: refused(
        lambda: parse_attributes(data, name="upload", form=form)
    )


def tables(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    file = folder / "scores.csv"
    for name in ("p1.png", "p2.png"):
        Image.new("RGB", (8, 8)).save(folder / name)
    originals = [
        b"image,score,distortion,level\np1.png,3.5,jpeg,1\np2.png,4,jpeg,2\n",
        b"sep=;\r\nimage;score\r\np1.png;3,5\r\np2.png;4,25\r\n",
        '"image_name","MOS"\n"p1.png",3\n"p2.png",4\n'.encode("utf-16"),
        b"ref_name,dist_name,mos\np1.png,p2.png,77.3\np1.png,p1.png,1\n",
    ]

    def check(data: bytes) -> None:
        file.write_bytes(data)
        refused(lambda: preview(file))

    return damaged(originals), check


def from_file(name: str, originals: list[bytes], read: Callable, folder: Path) -> tuple:
    file = folder / name

    def check(data: bytes) -> None:
        file.write_bytes(data)
        refused(lambda: read(file))
        assert [entry.name for entry in folder.iterdir()] == [name]

    return damaged(originals), check


def experiments(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    originals = [file.read_bytes() for file in sorted(shipped("experiments").glob("*.yaml"))]
    return from_file("experiment.yaml", originals, load_experiment, folder)


def recipes(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    original = b"""name: Night shot
explanation: A phone's camera at night makes the picture dark and grainy.
steps:
  - {operator: darken, parameters: [0.1, 0.3, 0.6]}
  - {operator: white_noise, parameter: 0.01}
"""
    return from_file("recipe.yaml", [original], read_recipe, folder)


def images(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    originals = []
    for form, mode in [
        ("PNG", "RGB"), ("PNG", "I;16"), ("PNG", "P"), ("PNG", "LA"), ("JPEG", "RGB"),
        ("JPEG", "CMYK"), ("TIFF", "RGB"), ("TIFF", "I;16"), ("WEBP", "RGB"), ("BMP", "RGB"),
        ("GIF", "P"), ("PPM", "RGB"), ("TGA", "RGB"), ("JPEG2000", "RGB"), ("AVIF", "RGB"),
    ]:  # fmt: skip
        file, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6
        Image.new(mode, (24, 16)).save(file, form, exif=exif)
        originals.append(file.getvalue())
    return from_file("photograph", originals, read_image, folder)


def bundles(folder: Path) -> tuple[st.SearchStrategy, Callable]:
    with open_store(f"sqlite:///{folder / 'from.sqlite'}") as origin:
        origin.versions.freeze(a_set(), message="first", author="ann", alias="first")
        export_bundle(origin, folder / "good.zip", ["first"])
    packed = (folder / "good.zip").read_bytes()
    with zipfile.ZipFile(folder / "good.zip") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    store = open_store(f"sqlite:///{folder / 'to.sqlite'}")
    file = folder / "damaged.zip"

    def check(drawn: tuple[bytes, str, bytes]) -> None:
        whole, name, member = drawn
        if member:
            with zipfile.ZipFile(file, "w") as archive:
                for other, content in members.items():
                    archive.writestr(other, member if other == name else content)
        else:
            file.write_bytes(whole)
        before = store.record.digest()
        if refused(lambda: import_bundle(store, file, author="bob")):
            assert store.record.digest() == before
        assert store.verify() == []

    member = st.sampled_from(sorted(members)).flatmap(
        lambda name: st.tuples(st.just(b""), st.just(name), damaged([members[name]]))
    )
    return member | st.tuples(damaged([packed]), st.just(""), st.just(b"")), check


READERS: dict[str, Callable[[Path], tuple[st.SearchStrategy, Callable]]] = {
    "reply": replies,
    "phrase": phrases,
    "yaml": partial(attribute_files, "yaml"),
    "json": partial(attribute_files, "json"),
    "csv": partial(attribute_files, "csv"),
    "table": tables,
    "experiment": experiments,
    "recipe": recipes,
    "image": images,
    "bundle": bundles,
}


def fuzz(name: str, seconds: float, start: int) -> None:
    """Damage inputs of one reader until the time is over; print how many, and the memory."""
    warnings.simplefilter("error")  # nobody reads a library's warnings
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    count, end, turn = 0, time.monotonic() + seconds, start
    with tempfile.TemporaryDirectory() as folder:
        strategy, check = READERS[name](Path(folder))

        def counted(drawn: object) -> None:
            nonlocal count
            count += 1
            check(drawn)

        quiet = settings(
            max_examples=EXAMPLES, deadline=None, database=None, print_blob=False,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
        )  # fmt: skip
        while time.monotonic() < end:
            seed(turn)(quiet(given(strategy)(counted)))()
            turn += 1
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{name:10} {count:8,} inputs, at most {megabytes:,} MB", flush=True)


def main(arguments: list[str]) -> int:
    """Fuzz the named readers, or all of them; return 1 if one failed."""
    minutes = float(arguments[0]) if arguments else 10.0
    names, start = arguments[1:] or list(READERS), int(time.time())
    print(f"{minutes:g} minutes over {', '.join(names)}; seeds from {start}", flush=True)
    at_once = min(2, len(names))

    def run(name: str) -> int | None:
        share = minutes * 60 * at_once / len(names)
        process = multiprocessing.get_context("spawn").Process(
            target=fuzz, args=(name, share, start), name=name
        )
        process.start()
        process.join()
        return process.exitcode

    with ThreadPoolExecutor(at_once) as threads:
        failed = [name for name, code in zip(names, threads.map(run, names), strict=True) if code]
    print(f"failed: {', '.join(failed)}" if failed else "no reader failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
