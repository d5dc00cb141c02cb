"""Types of published data sets that the workbench can describe but not apply."""

from workbench.domain.distortion import Distortion

WITHOUT_OPERATOR: tuple[Distortion, ...] = (
    Distortion(
        id="jpeg2000_transmission_errors",
        name="JPEG2000 transmission errors",
        group="compression",
        source="TID2013 #13",
        explanation="Parts of the wavelet-coded file arrive wrong or not at all, so that smeared "
        "and rippled patches without clear borders appear in places, some of them with wrong "
        "brightness, while other places stay sharp.",
        has_operator=False,
    ),
    Distortion(
        id="comfort_noise",
        name="Comfort noise",
        group="noise",
        source="TID2013 #20",
        explanation="Fine texture that a coder threw away is replaced by artificial random texture "
        "of similar strength, so that grass, hair or fabric looks natural at first sight but "
        "differs from the original in every detail.",
        has_operator=False,
    ),
    Distortion(
        id="lossy_compression_of_noisy_images",
        name="Lossy compression of noisy images",
        group="compression",
        source="TID2013 #21",
        explanation="A grainy image is stored with heavy loss, so that the coder wipes away a part "
        "of the grain together with faint detail and turns the rest into irregular blotches and "
        "small wavy marks.",
        has_operator=False,
    ),
    Distortion(
        id="fast_fading",
        name="Fast fading",
        group="compression",
        source="LIVE #5",
        explanation="A wavelet-coded image is received over a radio link whose strength rises and "
        "falls quickly, so that whole regions lose their detail, get smeared or are crossed by "
        "displaced ghosts and ripples, while others arrive intact.",
        has_operator=False,
    ),
)
