"""The camera pack, #3, #4, #6 to #9, #12: grain, and detail that is lost, smeared or overdone.

Faults of real photographs, as models of one parameter. What happens to the light before it is
recorded (grain, shake, focus) is computed in linear light, what software does afterwards is not.
"""

from functools import cache
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from workbench.distortions.colourspace import from_linear, luma, to_linear
from workbench.distortions.compression import decoded, encoded, encoded_jpeg
from workbench.distortions.filters import convolve, disk_kernel, gaussian_filter, shake_kernel
from workbench.distortions.operator import FloatImage, Operator, deterministic
from workbench.distortions.pixels import to_bytes, to_floats
from workbench.distortions.randomness import standard_normal
from workbench.domain.distortion import Distortion

_FULL_WELL = 4000.0  # electrons of white at ISO 100, as of a telephone's pixel of 1.2 micrometres
_READ_NOISE = 3.0  # electrons, standard deviation

# Bilinear interpolation of a Bayer mosaic (every second pixel green, every fourth red or blue).
_GREEN = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
_RED_OR_BLUE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4


def sensor_grain(image: FloatImage, iso: float, rng: np.random.Generator) -> FloatImage:
    """Add the noise of counting electrons and of reading them out, as a Bayer sensor has it.

    In linear light the variance is a L + b (Foi et al., IEEE TIP 2008): white is 4000 electrons at
    ISO 100 and fewer in proportion above it, and reading adds 3. A pixel has noise in the colour
    that it sees alone; bilinear demosaicing spreads it to its neighbours. So the grain is coarser
    than a pixel and coloured.
    """
    light = to_linear(image)
    per_electron = iso / 100 / _FULL_WELL
    noise = np.maximum(bayer_mosaic(light), 0)
    noise *= np.float32(per_electron)
    noise += np.float32((_READ_NOISE * per_electron) ** 2)
    np.sqrt(noise, out=noise)
    noise *= standard_normal(noise.shape, rng)
    light += demosaiced(noise)
    return from_linear(light)


def bayer_mosaic(image: FloatImage) -> FloatImage:
    """Return what a sensor with red, green / green, blue filters sees of (H, W, 3), (H, W)."""
    mosaic = image[..., 1].copy()
    mosaic[::2, ::2] = image[::2, ::2, 0]
    mosaic[1::2, 1::2] = image[1::2, 1::2, 2]
    return mosaic


def demosaiced(mosaic: FloatImage) -> FloatImage:
    """Return the three colours of such a mosaic, (H, W, 3), missing ones interpolated linearly."""
    red, green, blue = np.zeros_like(mosaic), mosaic.copy(), np.zeros_like(mosaic)
    red[::2, ::2], blue[1::2, 1::2] = mosaic[::2, ::2], mosaic[1::2, 1::2]
    green[::2, ::2] = green[1::2, 1::2] = 0
    planes = ((red, _RED_OR_BLUE), (green, _GREEN), (blue, _RED_OR_BLUE))
    border = cv2.BORDER_REFLECT_101  # which keeps the pattern of colours
    return np.dstack([cv2.filter2D(seen, -1, kernel, borderType=border) for seen, kernel in planes])


_WINDOW = 5  # pixels; diameter of the round window
_REACH = 2.0  # pixels; standard deviation of the weight by distance


def noise_reduction(image: FloatImage, tone: float) -> FloatImage:
    """Average every pixel with those around it that look alike, three times over.

    The bilateral filter (Tomasi and Manduchi, ICCV 1998), whose weights are Gaussians of the
    distance and of the difference: the sum over R, G and B of the absolute differences, with a
    standard deviation of three times `tone`. Edges are replicated.
    """
    if tone <= 0:
        return image.copy()
    smooth = image
    for _ in range(3):
        filtered = cv2.bilateralFilter(
            smooth, _WINDOW, 3 * tone, _REACH, borderType=cv2.BORDER_REPLICATE
        )
        smooth = np.asarray(filtered, np.float32)
    return np.clip(smooth, 0, 1)


def camera_shake(image: FloatImage, length: float, rng: np.random.Generator) -> FloatImage:
    """Average linear light along a bent, trembling path; edges replicated."""
    return from_linear(convolve(to_linear(image), shake_kernel(length, rng)))


def missed_focus(image: FloatImage, diameter: float) -> FloatImage:
    """Average linear light over the circle of confusion, so that lights become bright discs."""
    if diameter <= 0:
        return image.copy()
    return from_linear(convolve(to_linear(image), disk_kernel(diameter / 2)))


def low_resolution(image: FloatImage, factor: float) -> FloatImage:
    """Scale down by a factor, each pixel the mean of the area it covers, and up by bicubics."""
    height, width = image.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    if small == (width, height):
        return image.copy()
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(enlarged, np.float32), 0, 1)


_SAVINGS = 4  # times that a picture is saved on its way through telephones and networks
_UNIT = 16  # pixels; side of JPEG's unit of coding at 4:2:0


def repeated_compression(image: FloatImage, quality: float, rng: np.random.Generator) -> FloatImage:
    """Save as JPEG four times over, each time with the grid of blocks somewhere else.

    A picture that is cropped between two savings has its old blocks across the new ones. The
    quality is continuous: libjpeg's formula scales the tables, not rounded to whole settings.

    Raises:
        DataError: A side is longer than JPEG allows.
    """
    pixels, tables = to_bytes(image), scaled_tables(quality)
    for _ in range(_SAVINGS):
        down, right = rng.integers(0, _UNIT, 2)
        padded = np.pad(pixels, ((down, 0), (right, 0), (0, 0)), mode="edge")
        pixels = decoded(encoded_jpeg(padded, qtables=tables, subsampling="4:2:0"))[down:, right:]
    return to_floats(pixels)


def scaled_tables(quality: float) -> list[list[int]]:
    """Return the tables of ITU-T T.81, Annex K, as libjpeg scales them to a quality, 1 to 100.

    libjpeg also rounds its percentage down, which here stays continuous.
    """
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    return [
        [int(np.clip((entry * percent + 50) // 100, 1, 255)) for entry in table]
        for table in _annex_k()
    ]


@cache
def _annex_k() -> tuple[tuple[int, ...], ...]:
    """Return the tables of luma and of colour, which libjpeg takes unscaled at quality 50."""
    file = encoded(np.zeros((1, 1, 3), np.uint8), "JPEG", quality=50)
    with Image.open(BytesIO(file)) as image:
        return tuple(tuple(table) for table in image.quantization.values())  # type: ignore[attr-defined]


_HALO_SIGMA, _LOCAL_SIGMA = 1.5, 12.0  # pixels: of sharpening, and of local contrast
_LOCAL_SHARE = 0.4  # of the amount


def over_processing(image: FloatImage, amount: float) -> FloatImage:
    """Sharpen luma and raise its local contrast, both by unsharp masking, colours kept."""
    brightness = luma(image)
    added = (1 + np.float32(_LOCAL_SHARE)) * brightness
    added -= gaussian_filter(brightness, _HALO_SIGMA)
    added -= np.float32(_LOCAL_SHARE) * gaussian_filter(brightness, _LOCAL_SIGMA)
    added *= np.float32(amount)
    return np.clip(image + added[..., None], 0, 1)


OPERATORS: tuple[Operator, ...] = (
    Operator(
        Distortion(
            id="sensor_grain",
            name="Sensor grain",
            group="camera",
            source="camera #3, after Foi et al. 2008",
            explanation="The sensor counts few electrons and amplifies them, so that the picture "
            "is covered with uneven, slightly clumped, coloured grain, strongest in shadows and on "
            "plain surfaces and weaker where it is bright.",
            parameter="ISO speed of a small sensor (white is 4000 electrons at ISO 100)",
            levels=(400, 800, 1600, 3200, 6400),
            limits=(1, None),
            stochastic=True,
            near=(
                "white_noise",
                "white_noise_color_component",
                "multiplicative_noise",
                "spatially_correlated_noise",
                "high_frequency_noise",
            ),
        ),
        sensor_grain,
    ),
    deterministic(
        Distortion(
            id="noise_reduction",
            name="Noise reduction",
            group="camera",
            source="camera #4, after Tomasi and Manduchi 1998",
            explanation="The camera's software mistakes fine detail for noise and smooths it away "
            "between the main contours, so that skin looks like wax, foliage and hair like "
            "watercolour, and faint colours run into each other.",
            parameter="difference of tone that counts as noise, white = 1",
            levels=(0.02, 0.04, 0.07, 0.11, 0.18),
            limits=(0, None),
            neutral=0,
            near=("denoise", "gaussian_blur", "jpeg2000", "sparse_sampling"),
        ),
        noise_reduction,
    ),
    Operator(
        Distortion(
            id="camera_shake",
            name="Camera shake",
            group="camera",
            source="camera #6, after Boracchi and Foi 2012",
            explanation="An unsteady hand moves the camera along a crooked path during the "
            "exposure, so that outlines are doubled or dragged, and every point of light draws the "
            "same small bent squiggle.",
            parameter="length of the path in pixels",
            levels=(3, 6, 10, 16, 26),
            limits=(0, None),
            neutral=0,
            stochastic=True,
            near=("motion_blur", "gaussian_blur", "lens_blur"),
        ),
        camera_shake,
    ),
    deterministic(
        Distortion(
            id="missed_focus",
            name="Missed focus",
            group="camera",
            source="camera #7, after Potmesil and Chakravarty 1982",
            explanation="The lens is set to the wrong distance, so that every point widens to a "
            "round patch, lights swell to bright discs, and the subject stays recognisable but "
            "without a single crisp outline.",
            parameter="diameter of the circle of confusion in pixels",
            levels=(2.5, 4.5, 7, 11, 17),
            limits=(0, None),
            neutral=0,
            near=("lens_blur", "gaussian_blur"),
        ),
        missed_focus,
    ),
    deterministic(
        Distortion(
            id="low_resolution",
            name="Low resolution",
            group="camera",
            source="camera #8, after Keys 1981",
            explanation="A picture of too few pixels is enlarged, as by digital zoom, so that fine "
            "texture is missing everywhere, edges are thick and slightly stepped, and lettering "
            "dissolves.",
            parameter="pixels of the picture, a side, per pixel that was recorded",
            levels=(1.5, 2, 3, 4.5, 7),
            limits=(1, None),
            neutral=1,
            near=("pixelate", "gaussian_blur", "lens_blur", "jpeg2000"),
        ),
        low_resolution,
    ),
    Operator(
        Distortion(
            id="repeated_compression",
            name="Repeated compression",
            group="camera",
            source="camera #9, after Bianchi and Piva 2012",
            explanation="The picture is cropped, stored with loss and passed on several times, so "
            "that remains of shifted block patterns lie across each other, dirt gathers around "
            "edges and lettering, and smooth areas turn patchy.",
            parameter="quality setting of libjpeg of each of four savings, 1 to 100",
            levels=(70, 45, 28, 17, 10),
            limits=(1, 100),
            stochastic=True,
            near=("jpeg", "jpeg2000", "lossy_compression_of_noisy_images"),
        ),
        repeated_compression,
    ),
    deterministic(
        Distortion(
            id="over_processing",
            name="Over-processing",
            group="camera",
            source="camera #12, after Trentacoste et al. 2012",
            explanation="Software sharpens far too much and raises the contrast of every "
            "neighbourhood, so that bright and dark halos follow contours, skin and clouds look "
            "gritty, and the whole picture seems harsh and artificial.",
            parameter="how many times fine detail is added",
            levels=(0.4, 0.8, 1.4, 2.2, 3.4),
            limits=(0, None),
            neutral=0,
            near=("high_sharpen", "contrast_change"),
        ),
        over_processing,
    ),
)
