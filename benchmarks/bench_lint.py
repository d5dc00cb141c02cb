"""How long an expert waits for the findings on one new sentence, against asking the images again.

    python benchmarks/bench_lint.py

The set is the curated one, its texts encoded before, as they are while one types. The probe has
the ten packaged photographs and all distortions with an operator; the images of one distortion are
made and encoded, the others borrow its embeddings, which costs the same arithmetic and saves
minutes. The reference encodes one distortion's images again and is scaled up to all of them. Both
run on one core, in processor time, and each sentence is a new one.
"""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from workbench.distortions import catalogue, operators
from workbench.domain.config import EncoderConfig
from workbench.drafting.lint import Probe, RememberedTexts, lint_phrase, load_probe
from workbench.encoders import Encoder, load_encoder
from workbench.encoders.protocol import computing_threads
from workbench.settings import read_settings, resource
from workbench.store.text import read_attributes
from workbench.training.prompt_pairs import sentence_pairs

SENTENCES = (
    "ragged squares along the outlines",
    "tiny tiles that break up slanted lines",
    "patchwork of flat little fields",
    "chequered skin",
    "crumbling rims of letters",
)
LIKE = "gaussian_blur"  # five levels, as most have


def rows() -> list[dict[str, Any]]:
    """Return one row."""
    encoder = load_encoder(EncoderConfig(name="offline"), read_settings(), seed=0)
    with threadpool_limits(1), computing_threads(1), TemporaryDirectory() as folder:
        one = load_probe(encoder, [catalogue()[LIKE]], cache=Path(folder))
        probe = replace(
            one,
            embeddings=dict.fromkeys(operators(), one.embeddings[LIKE]),
            strengths=dict.fromkeys(operators(), one.strengths[LIKE]),
        )
        ours_s, reference_s = typing_s(encoder, probe), encoding_s(encoder, probe)
    ratio = reference_s / ours_s
    return [
        {
            "name": f"lint: findings on one new sentence, {5 * len(catalogue())} others, "
            f"{len(operators())} distortions on {len(probe.photographs)} photographs",
            "value": round(ours_s, 3),
            "unit": "s",
            "reference": f"encoding the probe's images for it again, {reference_s:.0f} s",
            "ratio": round(ratio, 1),
            "target": ">= 100x, <= 1 s",
            "holds": bool(ratio >= 100 and ours_s <= 1),
        }
    ]


def typing_s(encoder: Encoder, probe: Probe) -> float:
    """Return the longest of several sentences, in seconds."""
    curated = read_attributes(resource("attribute_db/curated"), origin="curated")
    polarity = partial(sentence_pairs, polarity=encoder.default_polarity)
    text = RememberedTexts(encoder)
    longest = 0.0
    for place, sentence in enumerate(("one to begin with", *SENTENCES)):
        start = time.process_time()
        lint_phrase(
            sentence, "jpeg", curated, catalogue(), text=text, probe=probe, polarity=polarity
        )
        if place:  # the first one encodes the others' texts
            longest = max(longest, time.process_time() - start)
    return longest


def encoding_s(encoder: Encoder, probe: Probe) -> float:
    """Return the time to encode the crops of all images of the probe, in seconds."""
    photographs, levels, crops, _ = probe.embeddings[LIKE].shape
    size = encoder.facts.image_size
    batch = torch.randint(0, 256, (crops * levels, 3, size, size), dtype=torch.uint8)
    start = time.process_time()
    with torch.no_grad():
        encoder.tower(encoder.normalise(batch))
    return (time.process_time() - start) * photographs * len(probe.embeddings)


if __name__ == "__main__":
    for row in rows():
        print(row)
