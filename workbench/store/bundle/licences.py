"""What may be done with a bundle, as far as it is known; what is not known is said to be so."""

import json
from collections.abc import Iterable
from importlib.metadata import distribution
from importlib.resources import files

from workbench.store.bundle.contents import Bundle

_TERMS = """What may be done with the parts of this bundle

The program that wrote it: Apache-2.0, program.txt.
Attributes, comments, history: no licence is recorded. Unknown; ask the authors, who are named.
Replies of language models ({models}): the terms of whoever served them. Unknown here.
Photographs that runs were made on ({data}): not in this bundle; {photographs}.
Encoders of the runs ({encoders}): weights are not in this bundle. The model card of the program's
own, with the licences of what it was trained on, is offline-encoder.md; those of others are
unknown here.
"""

_SAID = "those of the packaged ones are in photographs.txt, others are unknown here"

# As scikit-image 0.26 (documentation of skimage.data) and scikit-learn 1.9 (datasets/images) say.
_PACKAGED = """The photographs that come with scikit-image and scikit-learn

None of them is in this bundle; figures of its runs were made on them.

astronaut             public domain, NASA; no known copyright restrictions
chelsea               CC0, Stefan van der Walt
china                 CC-BY-2.0, danielbuechele, flickr.com/photos/danielbuechele/6061409035
coffee                CC0, Rachel Michetti
flower                CC-BY-2.0, vultilion, flickr.com/photos/vultilion/6056698931
hubble_deep_field     public domain, NASA
immunohistochemistry  no known copyright restrictions
motorcycle            Middlebury 2014 stereo benchmark, Scharstein et al.; no licence is stated
retina                CC0, Mikael Häggström
rocket                public domain, SpaceX
"""


def licence_texts(bundle: Bundle) -> dict[str, bytes]:
    """Return name to content of the members that say what may be done with a bundle."""
    results = [json.loads(bundle.results[run.result]) for run in bundle.runs]
    sources = {json.loads(run.config)["data"]["photographs"] for run in bundle.runs}
    terms = _TERMS.format(
        models=_named(call.request.model for call in bundle.calls),
        data=_named(result["protocol"]["dataset"] for result in results),
        photographs=_SAID if "packaged" in sources else "their licences are unknown here",
        encoders=_named(result["encoder"]["name"] for result in results),
    )
    card = files("workbench").joinpath("encoders", "weights", "README.md").read_bytes()
    program = distribution("attribute-workbench").read_text("licenses/LICENSE")
    photographs = {"licences/photographs.txt": _PACKAGED.encode()} if "packaged" in sources else {}
    return photographs | {
        "licences/TERMS.txt": terms.encode(),
        "licences/offline-encoder.md": card,
        "licences/program.txt": (program or "Apache-2.0; its text was not installed.\n").encode(),
    }


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"
