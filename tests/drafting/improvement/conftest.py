"""Three types on six small photographs: what costs seconds, once for all tests here."""

from functools import partial

import pytest
import torch
from PIL import Image

from workbench.datasets.photographs import load_photograph, photograph_files
from workbench.distortions import catalogue
from workbench.domain.attributes import Attribute, AttributeSet
from workbench.domain.config import EncoderConfig
from workbench.drafting.improvement import (
    DEFAULT_OBJECTIVE,
    Bench,
    PhotographParts,
    PhotographsOfPart,
)
from workbench.drafting.lint import RememberedTexts, load_probe
from workbench.encoders import load_encoder
from workbench.settings import read_settings
from workbench.training.prompt_pairs import sentence_pairs

TYPES = ("gaussian_blur", "jpeg", "white_noise")
GOOD = {
    "gaussian_blur": [
        "even softening of every edge, whatever its direction",
        "hair, grass and small lettering melting together",
        "dreamy veil of softness over the whole scene",
    ],
    "jpeg": [
        "visible grid of small square blocks",
        "mosquito-like specks hovering around contours",
        "diagonal lines broken at the borders of tiles",
    ],
    "white_noise": [
        "fine random grain over the whole picture area",
        "sandy, gritty look of smooth surfaces",
        "many-coloured speckle in flat areas",
    ],
}
POOL = {  # what the language model has to offer, five at a time
    "gaussian_blur": [
        "fuzzy contours of all objects",
        "uniformly soft outlines everywhere",
        "text that has become too soft to read",
        "an unpaid invoice",
        "small things dissolving into their surroundings",
    ],
    "jpeg": [
        "tints smeared within square tiles",
        "checkered patterns in flat areas",
        "an unpaid invoice",
        "JPEG compression everywhere",
        "square tiles whose borders do not match",
    ],
    "white_noise": [
        "grain equally strong in bright and dark parts",
        "granular texture where walls should be smooth",
        "an unpaid invoice",
        "soft edges",
        "restless speckle over the whole scene",
    ],
}
PLANTED = {  # (type, place): a sentence that is wrong there
    ("jpeg", 1): "wise decision of the committee",
    ("white_noise", 0): "blurred, smeared outlines of all objects",
    ("gaussian_blur", 2): "every edge evenly softened, whatever its direction",
}


def planted():
    """Return the good set with three faults in it: nonsense, a neighbour's sentence, a double."""
    phrases = {d: list(own) for d, own in GOOD.items()}
    for (d, place), phrase in PLANTED.items():
        phrases[d][place] = phrase
    return AttributeSet.from_phrases(phrases)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def encoder():
    return load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Six photographs, small enough to be distorted in no time."""
    folder = tmp_path_factory.mktemp("photographs")
    files = photograph_files("packaged")
    for name in ("astronaut", "chelsea", "china", "coffee", "flower", "rocket"):
        Image.fromarray(load_photograph(files[name], 384, 288)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def text(encoder):
    return RememberedTexts(encoder)


@pytest.fixture(scope="session")
def bench_of(encoder, cache, text):
    polarity = partial(sentence_pairs, polarity=encoder.default_polarity)
    specs = [catalogue()[d] for d in TYPES]

    def make(files):
        probe = load_probe(encoder, specs, cache=cache, photographs=files)
        return Bench(probe, catalogue(), text, polarity, DEFAULT_OBJECTIVE)

    return make


@pytest.fixture(scope="session")
def parts(folder):
    return PhotographParts.of(photograph_files(str(folder)))


@pytest.fixture(scope="session")
def bench(bench_of, folder, parts):
    return bench_of(PhotographsOfPart(photograph_files(str(folder)), parts, "search"))


class Answers:
    """A language model that answers about a type with what the pool has for it."""

    def __init__(self, *, useless=False, fault=None, after=0, budget=None):
        self.useless, self.fault, self.after, self.budget = useless, fault, after, budget
        self.asked = []

    def __call__(self, spec, context, turn):
        self.asked.append((spec.id, context, turn))
        if self.budget is not None:
            self.budget.spent_calls += 1
        if self.fault is not None and len(self.asked) > self.after:
            raise self.fault
        phrases = POOL[spec.id]
        if self.useless:
            phrases = [f"paid invoice number {n} of the tax office" for n in range(5)]
        return tuple(
            Attribute(phrase=phrase, origin="llm", call_id=len(self.asked)) for phrase in phrases
        )


@pytest.fixture
def answers():
    return Answers
