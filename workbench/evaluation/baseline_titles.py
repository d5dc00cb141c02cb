"""What the baselines are called in results, and in words."""

from collections.abc import Mapping

EMBEDDING, STEM, NSS = "embedding_ridge", "stem_ridge", "nss_svr"
NAMES, ANTONYMS, CONSTANT = "distortion_names", "antonym_pair", "constant"

TITLES: Mapping[str, str] = {
    EMBEDDING: "ridge on the untuned encoder's embedding, no text",
    STEM: "ridge on the untuned encoder's stem, no text",
    NSS: "natural-scene statistics and SVR (BRISQUE's features)",
    NAMES: "names of the distortions as prompts, untuned (after LIQE)",
    ANTONYMS: "“Good photo.” against “Bad photo.”, zero-shot (CLIP-IQA)",
    CONSTANT: "mean quality of the training images",
}
