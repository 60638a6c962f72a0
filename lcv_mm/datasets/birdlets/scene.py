"""Everything in a Birdlets picture that is not the bird: backdrop, things in front of it, light and camera."""

import colorsys

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Image = MatLike  # (H, W, 3), uint8, BGR, as in OpenCV
Colour = tuple[int, int, int]

# The difficulty of the scene. Ranges are uniform; lengths are fractions of the image's width.
TWIGS = (0, 1)  # in front of the bird, both ends included
LEAVES = (0, 2)
LEAF_LENGTH = (0.07, 0.16)
BLOBS = (4, 14)  # in the backdrop
BACKDROP_BLUR = (0.008, 0.04)
GAIN = (0.65, 1.2)
CONTRAST = (0.75, 1.15)
LIGHT_SLOPE = 0.35  # largest difference in brightness between one side and the middle
CAST = 0.08  # colour cast per channel
SHADOW = 0.45  # the deepest cast shadow
CAMERA_BLUR = (0.0, 0.6)  # sigma in pixels of a picture 160 wide
NOISE = (1.0, 5.0)  # standard deviation in grey levels

_FRACTION_BITS = 4  # OpenCV's drawing takes fixed-point coordinates


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A BGR colour in 0..255 from hue, saturation and value in [0, 1]."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(saturation, 1.0), min(value, 1.0))
    return round(255 * blue), round(255 * green), round(255 * red)


def fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Pixel coordinates (N, 2) in the fixed-point form that OpenCV expects."""
    return np.round(points * (1 << _FRACTION_BITS)).astype(np.int32)


def fill(image: Image, points: NDArray[np.float64], colour: Colour | int) -> None:
    """Fill a polygon with corners (N, 2), x and y in pixels, anti-aliased, in place."""
    value = (colour,) if isinstance(colour, int) else colour
    cv2.fillPoly(image, [fixed_point(points)], value, cv2.LINE_AA, _FRACTION_BITS)


def line(image: Image, points: NDArray[np.float64], colour: Colour, width: float) -> None:
    """Draw a line through points (N, 2), `width` pixels wide, anti-aliased, in place."""
    cv2.polylines(image, [fixed_point(points)], False, colour, max(1, round(width)), cv2.LINE_AA, _FRACTION_BITS)


def ellipse(centre: NDArray[np.float64], axes: tuple[float, float], angle: float, corners: int = 20) -> NDArray:
    """Corners (N, 2) of an ellipse; `axes` are half lengths, `angle` in radians."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    along, across = axes[0] * np.cos(turn), axes[1] * np.sin(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([centre[0] + along * cos - across * sin, centre[1] + along * sin + across * cos], axis=1)


def _clouds(rng: np.random.Generator, size: int, cells: int) -> MatLike:
    """Smooth noise (size, size), about unit variance, with `cells` bumps across."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)


def backdrop(rng: np.random.Generator, size: int) -> Image:
    """A blurred sky, foliage or bark, (size, size, 3)."""
    kind = rng.integers(3)
    hue, saturation = (
        (rng.uniform(0.52, 0.62), rng.uniform(0.05, 0.5)),
        (rng.uniform(0.16, 0.40), rng.uniform(0.2, 0.7)),
        (rng.uniform(0.03, 0.12), rng.uniform(0.1, 0.5)),
    )[kind]
    value = rng.uniform(0.3, 0.9)
    ends = np.array([hsv(hue, saturation, value * shade) for shade in rng.uniform(0.7, 1.15, 2)], np.float32)
    ramp = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    image = np.repeat(ends[0] * (1 - ramp) + ends[1] * ramp, size, axis=1)
    cells = (4, 12, 8)[kind]
    texture = _clouds(rng, size, cells)
    if kind == 2:  # bark: stretched along the trunk
        texture = cv2.resize(texture[: max(2, size // 8)], (size, size))
    image *= 1 + (0.06, 0.22, 0.18)[kind] * texture[..., None]
    picture = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(rng.integers(*BLOBS, endpoint=True)):
        colour = hsv(hue + rng.normal(0, 0.05), saturation * rng.uniform(0.4, 1.3), value * rng.uniform(0.5, 1.4))
        axes = size * rng.uniform(0.02, 0.14, 2)
        fill(picture, ellipse(rng.uniform(0, size, 2), (axes[0], axes[1]), rng.uniform(0, np.pi)), colour)
    return cv2.GaussianBlur(picture, (0, 0), size * rng.uniform(*BACKDROP_BLUR))


def occlude(image: Image, rng: np.random.Generator) -> None:
    """Draw twigs and leaves in front of everything, in place."""
    size = image.shape[1]
    for _ in range(rng.integers(*TWIGS, endpoint=True)):
        top, bottom = rng.uniform(-0.1, 1.1, 2) * size
        middle = (top + bottom) / 2 + rng.normal(0, 0.12) * size
        t = np.linspace(0, 1, 9)
        across = (1 - t) ** 2 * top + 2 * t * (1 - t) * middle + t**2 * bottom  # a quadratic Bezier curve
        points = np.stack([across, t * (size + 4) - 2], axis=1)
        if rng.random() < 0.5:
            points = points[:, ::-1]
        colour = hsv(rng.uniform(0.03, 0.12), rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.5))
        line(image, points, colour, size * rng.uniform(0.008, 0.022))
    for _ in range(rng.integers(*LEAVES, endpoint=True)):
        length = size * rng.uniform(*LEAF_LENGTH) / 2
        centre, angle = rng.uniform(0, size, 2), rng.uniform(0, np.pi)
        shade = rng.uniform(0.2, 0.65)
        leaf = ellipse(centre, (length, length * rng.uniform(0.3, 0.55)), angle, 12)
        fill(image, leaf, hsv(rng.uniform(0.1, 0.38), rng.uniform(0.3, 0.8), shade))
        rib = np.array([np.cos(angle), np.sin(angle)]) * length
        line(image, np.stack([centre - rib, centre + rib]), hsv(0.2, 0.4, shade * 0.7), size * 0.005)


def relight(image: Image, rng: np.random.Generator) -> Image:
    """Apply exposure, contrast, colour cast, a light gradient across the picture and a soft shadow."""
    size = image.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    slope, angle = rng.uniform(0, LIGHT_SLOPE), rng.uniform(0, 2 * np.pi)
    light: MatLike = 1 + slope * (np.float32(np.cos(angle)) * axis[None, :] + np.float32(np.sin(angle)) * axis[:, None])
    if rng.random() < 0.5:
        light *= 1 - rng.uniform(0, SHADOW) * (_clouds(rng, size, 4) > rng.uniform(-0.3, 0.8))
        light = cv2.blur(light, (size // 20 + 1, size // 20 + 1))
    light *= rng.uniform(*GAIN)
    cast = 1 + rng.uniform(-CAST, CAST, 3).astype(np.float32)
    lit = image * light[..., None] * cast
    contrast = rng.uniform(*CONTRAST)
    return np.clip((lit - 110) * contrast + 110, 0, 255).astype(np.uint8)


def photograph(image: Image, rng: np.random.Generator) -> Image:
    """Apply lens blur and sensor noise."""
    sigma = rng.uniform(*CAMERA_BLUR) * image.shape[1] / 160
    if sigma > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(*NOISE))
    return np.clip(image + noise, 0, 255).astype(np.uint8)
