"""Draws one Birdlets picture: a bird of a given species in a random pose, plumage and scene."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .scene import Colour, Image, backdrop, ellipse, fill, hsv, line, occlude, photograph, relight

# Increase it whenever a seed would no longer give the same picture.
DRAWING_VERSION = 1

# The difficulty of the bird. Ranges are uniform, angles in degrees.
BODY_LENGTH = (0.47, 0.57)  # of the image's width; with beak and tail the bird is about 1.6 times as long
SHIFT = 0.04  # of the image's width, from the middle
BODY_TILT = (10.0, 38.0)  # breast above tail
HEAD_TURN = (-14.0, 14.0)
FORESHORTENING = (0.82, 1.0)  # the bird turns slightly away from or towards the viewer
PLUMAGE_SATURATION = (0.05, 0.65)
PLUMAGE_VALUE = (0.5, 0.88)
BELLY_PALENESS = (0.35, 0.75)  # 0 the colour of the back, 1 white
MARK_SIZE = (1.15, 1.4)  # bars, streaks, spots, eye ring, brow
MARK_CONTRAST = (0.85, 1.0)  # 0 invisible, 1 white or near black
PART_LENGTH = (1.0, 1.25)  # beak, crest, tail

_SUPERSAMPLING = 2

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Species:
    """The part traits that define a class. Colour is not a trait: it is random for every image."""

    name: str  # the common name, words separated by underscores
    crown: Literal['plain', 'cap', 'crest'] = 'plain'  # dark top of the head, pointed feathers
    eye: Literal['plain', 'ring', 'brow'] = 'plain'  # pale, around the eye; a pale stripe above it
    wing_bars: Literal[0, 1, 2] = 0  # pale bars across the wing
    breast: Literal['plain', 'streaked', 'spotted'] = 'plain'  # dark lines along the body, dark dots
    beak: Literal['short', 'long'] = 'short'
    tail: Literal['short', 'long', 'forked'] = 'short'


def _closed_curve(corners: list[tuple[float, float]], steps: int = 5) -> Points:
    """A smooth closed line (len(corners) * steps, 2) through the corners (Catmull-Rom)."""
    p = np.array(corners, dtype=np.float64)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    before, start, end, after = (np.roll(p, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    curve = start + t / 2 * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return curve.reshape(-1, 2)


# The body plan: the bird faces right, y points up, the torso is about 1 long. Head parts are relative to the head's
# centre.
_TORSO = _closed_curve([(-0.52, -0.02), (-0.3, 0.17), (0.0, 0.27), (0.28, 0.32), (0.52, 0.36), (0.6, 0.16),
                        (0.52, -0.08), (0.28, -0.25), (0.0, -0.31), (-0.3, -0.19)])  # fmt: skip
_BELLY = _closed_curve([(-0.42, -0.1), (0.0, -0.1), (0.3, 0.0), (0.5, 0.2), (0.58, 0.14), (0.5, -0.09),
                        (0.27, -0.24), (0.0, -0.3), (-0.28, -0.19)])  # fmt: skip
_WING = _closed_curve([(0.3, 0.2), (0.08, 0.23), (-0.25, 0.13), (-0.68, -0.1), (-0.35, -0.1), (-0.05, -0.14),
                       (0.2, -0.08), (0.33, 0.06)])  # fmt: skip
_FLIGHT_FEATHERS = [np.array([(0.0, y), (-0.3, y * 0.8 - 0.03), (-0.62, -0.09)]) for y in (0.08, 0.0, -0.08)]
_WING_BARS = [
    np.array([(0.1, 0.22), (0.05, 0.06), (0.08, -0.11)]),
    np.array([(-0.1, 0.18), (-0.15, 0.03), (-0.1, -0.12)]),
]
_HEAD = np.array([0.47, 0.34])
_HEAD_OUTLINE = ellipse(np.zeros(2), (0.225, 0.2), 0.0, 24)
_CAP = _closed_curve([(0.215, 0.05), (0.06, 0.09), (-0.1, 0.05), (-0.23, -0.04), (-0.2, 0.11), (-0.08, 0.2),
                      (0.06, 0.21), (0.17, 0.15)])  # fmt: skip
_CREST = np.array([(0.1, 0.17), (0.0, 0.26), (-0.14, 0.38), (-0.34, 0.46), (-0.26, 0.3), (-0.22, 0.1)])
_BROW = np.array([(0.2, 0.06), (0.1, 0.115), (-0.02, 0.1), (-0.17, 0.03)])
_EYE = np.array([0.085, 0.035])
_BEAKS = {
    'short': np.array([(0.19, 0.07), (0.3, 0.03), (0.37, -0.03), (0.28, -0.055), (0.19, -0.075)]),
    'long': np.array([(0.19, 0.05), (0.42, 0.0), (0.66, -0.07), (0.42, -0.045), (0.19, -0.055)]),
}
# The tail's origin is its root.
_TAIL_ROOT = np.array([-0.42, -0.02])
_TAILS = {
    'short': np.array([(0.05, 0.09), (-0.34, 0.075), (-0.36, 0.0), (-0.34, -0.075), (0.05, -0.07)]),
    'long': np.array([(0.05, 0.08), (-0.78, 0.075), (-0.83, 0.0), (-0.78, -0.075), (0.05, -0.07)]),
    'forked': np.array(
        [(0.05, 0.08), (-0.3, 0.1), (-0.58, 0.21), (-0.27, 0.0), (-0.58, -0.21), (-0.3, -0.1), (0.05, -0.07)]
    ),
}


@dataclass(frozen=True)
class _Frame:
    """Maps the coordinates of a part to the picture: pixels = origin + matrix @ point."""

    origin: Points  # (2,)
    matrix: Points  # (2, 2)

    def place(self, points: Points) -> Points:
        """Pixels (..., 2) of points (..., 2)."""
        return self.origin + points @ self.matrix.T

    def joint(self, at: Points, angle: float) -> '_Frame':
        """The frame of a part that is attached at `at` and rotated by `angle` degrees, with the front upwards."""
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        return _Frame(self.place(at), self.matrix @ np.array([[cos, -sin], [sin, cos]]))


@dataclass(frozen=True)
class _Pose:
    """The frames of the three moving parts, the length of the torso in pixels, and the stretched parts."""

    body: _Frame
    head: _Frame
    tail: _Frame
    unit: float  # pixels
    beak: Points
    crest: Points
    tail_shape: Points


@dataclass(frozen=True)
class _Plumage:
    """The colours of one bird; only their order by brightness is the same for all birds."""

    back: Colour
    belly: Colour
    wing: Colour
    dark: Colour
    pale: Colour
    horn: Colour  # beak and legs


def _mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour `share` of the way from `a` to `b`."""
    blue, green, red = (round(x + share * (y - x)) for x, y in zip(a, b, strict=True))
    return blue, green, red


def _draw_plumage(rng: np.random.Generator) -> _Plumage:
    """Random colours, with the same distribution for every species."""
    hue, saturation, value = rng.random(), rng.uniform(*PLUMAGE_SATURATION), rng.uniform(*PLUMAGE_VALUE)
    back = hsv(hue, saturation, value)
    belly = _mix(hsv(hue + rng.normal(0, 0.06), saturation * 0.7, value), (245, 250, 250), rng.uniform(*BELLY_PALENESS))
    wing = hsv(hue + rng.normal(0, 0.03), saturation * rng.uniform(0.6, 1.1), value * rng.uniform(0.5, 0.68))
    contrast = rng.uniform(*MARK_CONTRAST)
    return _Plumage(
        back=back,
        belly=belly,
        wing=wing,
        dark=_mix(back, hsv(hue, 0.3, 0.1), contrast),
        pale=_mix(wing, (240, 248, 250), contrast),
        horn=hsv(rng.uniform(0.05, 0.13), rng.uniform(0.1, 0.8), rng.uniform(0.2, 0.75)),
    )


def _draw_pose(species: Species, rng: np.random.Generator, size: int) -> _Pose:
    """A random pose, with the bird near the centre of a picture that is `size` pixels wide."""
    unit = rng.uniform(*BODY_LENGTH) * size
    flip = -1.0 if rng.random() < 0.5 else 1.0
    tilt = rng.uniform(*BODY_TILT)
    stretch = rng.uniform(*PART_LENGTH, size=3)
    matrix = np.array([[flip * unit * rng.uniform(*FORESHORTENING), 0.0], [0.0, -unit]])
    head_angle = rng.uniform(*HEAD_TURN) - 0.75 * tilt  # birds hold the head level
    tail_angle = rng.uniform(-12.0, 8.0)

    beak = _BEAKS[species.beak] * [stretch[0], 1.0]
    crest = _CREST * stretch[1]
    tail_shape = _TAILS[species.tail] * [stretch[2], 1.0]

    def assemble(origin: Points) -> _Pose:
        body = _Frame(origin, matrix).joint(np.zeros(2), tilt)
        head, tail = body.joint(_HEAD, head_angle), body.joint(_TAIL_ROOT, tail_angle)
        return _Pose(body, head, tail, unit, beak, crest, tail_shape)

    pose = assemble(np.zeros(2))
    corners = np.concatenate([pose.body.place(_TORSO), pose.head.place(beak), pose.tail.place(tail_shape)])
    if species.crown == 'crest':
        corners = np.concatenate([corners, pose.head.place(crest)])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    return assemble(size / 2 - middle + rng.uniform(-SHIFT, SHIFT, 2) * size)


def _draw_perch(image: Image, rng: np.random.Generator, pose: _Pose, plumage: _Plumage) -> None:
    """The twig the bird sits on, and its legs."""
    hips = pose.body.place(np.array([(-0.06, -0.24), (0.08, -0.25)]))
    feet = hips + [0.0, pose.unit * rng.uniform(0.16, 0.24)]
    slope = rng.uniform(-0.25, 0.25)
    width = image.shape[1]
    feet[:, 1] = feet[:, 1].mean() + slope * (feet[:, 0] - feet[:, 0].mean())
    height = feet[0, 1] + slope * (np.array([-5.0, width + 5.0]) - feet[0, 0])
    twig = np.array([(-5.0, height[0]), (width + 5.0, height[1])])
    brown = rng.uniform(0.2, 0.6)
    thickness = pose.unit * rng.uniform(0.05, 0.1)
    line(image, twig, hsv(0.08, 0.4, brown), thickness)
    line(image, twig - [0.0, thickness * 0.25], hsv(0.09, 0.35, brown * 1.3), thickness * 0.35)
    for hip, foot in zip(hips, feet, strict=True):
        line(image, np.stack([hip, foot - [0.0, thickness * 0.4]]), plumage.horn, pose.unit * 0.03)


def _draw_breast(image: Image, rng: np.random.Generator, pose: _Pose, species: Species, plumage: _Plumage) -> None:
    """Streaks or spots, spread about evenly over the pale side."""
    if species.breast == 'plain':
        return
    mark = rng.uniform(*MARK_SIZE)
    for x in np.arange(-0.05, 0.56, 0.1):
        for y in np.arange(-0.24, 0.2, 0.1):
            at = np.array([x, y]) + rng.uniform(-0.025, 0.025, 2)
            if (at[0] - 0.22) ** 2 / 0.36**2 + (at[1] + 0.03) ** 2 / 0.23**2 > 1:
                continue
            if species.breast == 'spotted':
                fill(image, pose.body.place(ellipse(at, (0.033 * mark, 0.033 * mark), 0.0, 8)), plumage.dark)
            else:
                streak = at + [(0.045 * mark, 0.035 * mark), (-0.045 * mark, -0.035 * mark)]
                line(image, pose.body.place(streak), plumage.dark, pose.unit * 0.026 * mark)


def _draw_wing(image: Image, rng: np.random.Generator, pose: _Pose, species: Species, plumage: _Plumage) -> None:
    """The folded wing, its flight feathers and its bars."""
    fill(image, pose.body.place(_WING), plumage.wing)
    for feather in _FLIGHT_FEATHERS:
        line(image, pose.body.place(feather), _mix(plumage.wing, (0, 0, 0), 0.35), pose.unit * 0.012)
    width = pose.unit * 0.06 * rng.uniform(*MARK_SIZE)
    for bar in _WING_BARS[: species.wing_bars]:
        line(image, pose.body.place(bar), plumage.pale, width)


def _draw_head(image: Image, rng: np.random.Generator, pose: _Pose, species: Species, plumage: _Plumage) -> None:
    """Head, beak and eye with their marks."""
    head, unit, mark = pose.head, pose.unit, rng.uniform(*MARK_SIZE)
    rim = _mix(plumage.back, (0, 0, 0), 0.3)  # so that a pale mark shows on a pale bird
    if species.crown == 'crest':
        fill(image, head.place(pose.crest), _mix(plumage.back, (0, 0, 0), 0.12))
    fill(image, head.place(pose.beak), plumage.horn)
    gape = np.stack([pose.beak[0] * [1, 0], pose.beak[2]])
    line(image, head.place(gape), _mix(plumage.horn, (0, 0, 0), 0.5), unit * 0.012)
    fill(image, head.place(_HEAD_OUTLINE), plumage.back)
    if species.crown == 'cap':
        fill(image, head.place(_CAP), plumage.dark)
    if species.eye == 'brow':
        line(image, head.place(_BROW), rim, unit * 0.085 * mark)
        line(image, head.place(_BROW), plumage.pale, unit * 0.05 * mark)
    if species.eye == 'ring':
        fill(image, head.place(ellipse(_EYE, (0.096 * mark, 0.096 * mark), 0.0, 16)), rim)
        fill(image, head.place(ellipse(_EYE, (0.078 * mark, 0.078 * mark), 0.0, 16)), plumage.pale)
    fill(image, head.place(ellipse(_EYE, (0.042, 0.042), 0.0, 12)), (18, 16, 20))
    fill(image, head.place(ellipse(_EYE + [0.012, 0.016], (0.012, 0.012), 0.0, 6)), (235, 240, 240))


def _shade(image: Image, pose: _Pose) -> Image:
    """Darken the bird towards its underside, so that it looks round."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for points in (pose.body.place(_TORSO), pose.head.place(_HEAD_OUTLINE), pose.tail.place(pose.tail_shape)):
        fill(mask, points, 255)
    size = image.shape[1] // _SUPERSAMPLING
    image, mask = (cv2.resize(x, (size, size), interpolation=cv2.INTER_AREA) for x in (image, mask))
    depth = (np.arange(size, dtype=np.float32) * _SUPERSAMPLING - pose.body.origin[1]) / pose.unit  # 0 at the middle
    shade = np.float32(0.5) * np.clip(depth, -0.25, 0.5).astype(np.float32)
    return np.clip(image * (1 - shade[:, None] * (mask / np.float32(255)))[..., None], 0, 255).astype(np.uint8)


def draw_birdlet(species: Species, rng: np.random.Generator, image_size: int = 160) -> Image:
    """Draw one bird in one scene: (image_size, image_size, 3), uint8, BGR. `rng` gives all variation within a class."""
    pose = _draw_pose(species, rng, image_size * _SUPERSAMPLING)
    plumage = _draw_plumage(rng)
    scene = backdrop(rng, image_size)
    image = cv2.resize(scene, None, fx=_SUPERSAMPLING, fy=_SUPERSAMPLING, interpolation=cv2.INTER_LINEAR)
    _draw_perch(image, rng, pose, plumage)
    fill(image, pose.tail.place(pose.tail_shape), _mix(plumage.wing, plumage.back, 0.25))
    fill(image, pose.body.place(_TORSO), plumage.back)
    fill(image, pose.body.place(_BELLY), plumage.belly)
    _draw_breast(image, rng, pose, species, plumage)
    _draw_wing(image, rng, pose, species, plumage)
    _draw_head(image, rng, pose, species, plumage)
    image = _shade(image, pose)
    occlude(image, rng)
    return photograph(relight(image, rng), rng)
