"""Words, stems and what two phrases share; small on purpose, and only English."""

import re
from collections.abc import Iterable
from functools import lru_cache

# Longest first; taken off one after another, as long as three letters stay.
_ENDINGS = (
    "ization", "isation", "iness", "ation", "ising", "izing", "ness", "ised", "ized", "able", "ing",
    "ion", "ish", "ise", "ize", "ive", "ers", "est", "ed", "er", "es", "ly", "y", "e", "s",
)  # fmt: skip
_LEAST = 3  # letters of a stem
_VOWEL = re.compile(r"[aeiouy]")


def words(text: str) -> list[str]:
    """Return the words of a text, case folded; hyphens and apostrophes separate.

    Example:
        >>> words("Salt-and-pepper dots")
        ['salt', 'and', 'pepper', 'dots']
    """
    return re.findall(r"[^\W_]+", text.casefold())


STOP_WORDS = frozenset(
    words(
        "a an and are as at be been but by for from has have in into is it its of off on or over "
        "some that the their there they this to very was were where which while with without"
    )
)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Return a word without its endings, so that its kin have the same stem.

    Example:
        >>> {stem(word) for word in ("blur", "blurs", "blurred", "blurriness", "blurring")}
        {'blur'}
        >>> {stem(word) for word in ("pixelate", "pixelated", "pixelation")}
        {'pixelat'}
    """
    while True:
        for ending in _ENDINGS:
            rest = word.removesuffix(ending)
            if rest != word and len(rest) >= _LEAST and _VOWEL.search(rest):
                word = rest
                break
        else:
            return _undoubled(word)
        if ending in ("ation", "ion"):  # "pixelat-ion": its kin keep the t
            return _undoubled(word + "at" if ending == "ation" else word)


def stems(text: str) -> list[str]:
    """Return the stems of the words that carry meaning, in their order.

    Example:
        >>> stems("softening of the details")
        ['soften', 'detail']
    """
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def overlap(first_words: Iterable[str], second_words: Iterable[str]) -> float:
    """Return the share of stems that two phrases have in common (Jaccard), 0 to 1.

    Example:
        >>> overlap(stems("soft, blurry edges"), stems("blurred soft edge"))
        1.0
    """
    first, second = set(first_words), set(second_words)
    either = first | second
    return len(first & second) / len(either) if either else 0.0


def _undoubled(word: str) -> str:
    return (
        word[:-1] if len(word) > _LEAST and word[-1] == word[-2] and word[-1] not in "sle" else word
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of a distortion's name that do not give it away.
HARMLESS_IN_NAMES = _words(
    "change color colour component errors error fading fast field frequency high lens loss low "
    "lossy mean of in with by images image noisy patch patches spatially uneven white pink 1 2"
)

# Name words that are also how people describe what they see: naming *another* distortion with one
# of these alone says nothing.
EVERYDAY_IN_NAMES = _words(
    "blur block brighten cast contrast darken haze masked motion pattern resolution sampling "
    "saturation shift smoke sparse sharpen illumination random"
)

# Word of a name to others that say the same, whole words all of them.
SYNONYMS = {
    "blur": ("defocus", "defocused", "unfocused", "unsharp"),
    "lens": ("defocus", "defocused", "bokeh"),
    "noise": ("noise", "noisy"),
    "jpeg": ("jpg", "compression", "compressed"),
    "jpeg2000": ("jp2", "wavelet", "compression", "compressed"),
    "transmission": ("packet", "packets", "bitstream"),
    "quantization": ("posterization", "posterized", "posterised"),
    "sharpen": ("oversharpened", "oversharpening"),
    "saturation": ("desaturation", "desaturated", "oversaturated", "oversaturation"),
    "illumination": ("vignette", "vignetting"),
    "exposure": ("underexposed", "overexposed", "underexposure", "overexposure"),
    "focus": ("defocus", "defocused", "unfocused", "autofocus"),
    "vignetting": ("vignette", "vignetted"),
}

# Word or words of what cannot be seen, by kind; the kind goes into the reason. Matched as whole
# words, with any blanks between them.
NOT_VISUAL = {
    "a judgement": (
        "quality", "bad", "good", "awful", "terrible", "horrible", "ugly", "beautiful", "pleasing",
        "attractive", "unattractive", "nice", "unacceptable", "acceptable", "degraded",
        "degradation", "distorted", "distortion", "distortions", "worse", "inferior", "superior",
        "amateurish", "unprofessional", "professional", "poorly", "unpleasant", "artifact",
        "artifacts", "artefact", "artefacts", "impairment", "imperfect", "excellent", "mediocre",
    ),
    "a technical cause, not a look": (
        "file", "files", "bitrate", "bit rate", "bit depth", "codec", "encoder", "decoder",
        "encoding", "algorithm", "dct", "coefficients", "kilobytes", "megabytes", "megapixels",
        "psnr", "ssim", "bandwidth", "metadata", "kernel", "low pass", "high frequency",
        "high frequencies", "histogram", "sigma", "variance", "standard deviation", "dpi",
        "packet loss", "packets", "colour space", "color space", "chroma subsampling", "iso",
        "sensor", "shutter speed", "aperture", "dynamic range", "signal", "luminance values",
        "pixel values", "gaussian", "interpolation", "hardware", "software", "storage",
    ),
    "a sound, a smell or a touch": (
        "sound", "sounds", "audio", "audible", "buzz", "buzzing", "hum", "humming", "loud", "echo",
        "crackling", "crackle", "music", "volume", "squeaky", "smell", "smells", "odour", "taste",
        "touch",
    ),
    "a cause": (
        "caused by", "due to", "because of", "because", "resulting from", "as a result",
        "result of", "results from", "owing to", "leading to", "leads to", "introduced by",
        "produced by", "arising from", "created by", "thanks to", "attributed to",
    ),
    "a feeling": (
        "feel", "feels", "feeling", "feelings", "annoying", "sad", "happy", "uncomfortable",
        "disturbing", "boring", "eerie", "depressing", "mood", "frustrating", "tiring",
        "emotional", "nostalgic", "nostalgia", "unsettling", "irritating", "distracting",
        "confusing", "calm", "exciting", "scary", "stressful", "fatigue", "unease", "discomfort",
    ),
}  # fmt: skip

# What can be wrong with a picture, by kind. Two kinds joined by "and" are two claims; two of one
# kind ("swirls and ripples") are one.
FAULT_KINDS = {
    "softness": "blur soft fuzz hazy unsharp defocus smooth smear smudg melt",
    "grain": "nois grain speck speckl dots fleck grit sand snow salt",
    "blocks": "block squar til mosaic pixelat checker stair jag grid",
    "edges": "halo fring ghost rim trail ring doubl",
    "waves": "rippl wav swirl wiggl wobbl warp",
    "bands": "band step contour poster",
    "colour": "colour color tint hu fad saturat vivid garish pal cast desaturat",
    "tone": "bright dark dim dull gloom shadow highlight overexpos underexpos exposur contrast "
    "light black",
    "detail": "detail textur",
    "veil": "veil fog haz smok mist milk",
    "gaps": "miss hidd cover hol",
}

# Two poles of one axis. With `about`, both phrases must speak of the same thing.
OPPOSITES = (
    # (one pole, the other pole, must both share another word?)
    ("increased increase increasing raised boosted amplified heightened enhanced exaggerated",
     "decreased decrease decreasing lowered reduced reduction weakened diminished loss lack lost",
     True),
    ("more", "less fewer", True),
    ("stronger higher", "weaker lower", True),
    ("brighter lighter brightened overexposed", "darker dimmer darkened underexposed", False),
    ("sharper crisper oversharpened", "softer blurrier fuzzier blurred blurry", False),
    ("oversaturated vivid garish", "desaturated faded greyish washed", False),
)  # fmt: skip

# With one of these a word says the opposite of itself.
NEGATIONS = _words("no not without absence free hardly barely neither nor never missing nothing")

# Nouns that a comma may follow as the end of a claim; others end in s.
SINGULAR_FAULTS = _words("detail texture grain noise contrast colour color blur haze")

# A finite verb makes a phrase a sentence of its own, unless it stands in a clause that one of the
# second group opens.
FINITE_VERBS = _words(
    "is are was were has have had looks appears appear seems seem becomes become contains contain "
    "shows show exhibits exhibit lacks suffers"
)
CLAUSE_OPENERS = _words(
    "that which where as than while when whatever whose who if what how because whether"
)
