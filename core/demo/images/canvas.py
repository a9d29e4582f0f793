"""Drawing for the generated products: noise fields, irregular marks, relief shading.

All fields are float32 arrays of height × width; positions and widths are in pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Size = tuple[int, int]  # height, width
Point = tuple[float, float]  # x, y

_STROKE_SCALE = 4


def field(array: object) -> Field:
    """Return `array` as float32."""
    return np.asarray(array, dtype=np.float32)


def blur(image: Field, sigma_px: float) -> Field:
    """Smooth with a Gaussian; the border is mirrored. Wide blurs are done at a quarter of the size."""
    if sigma_px >= 8:
        height, width = image.shape[:2]
        small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma_px / 4, borderType=cv2.BORDER_REFLECT_101)
        return field(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))
    return field(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101))


def grain(rng: np.random.Generator, size: Size) -> Field:
    """Return white noise with mean 0 and standard deviation 1."""
    return rng.standard_normal(size, dtype=np.float32)


def cloud(rng: np.random.Generator, size: Size, cell_px: float, octaves: int = 1) -> Field:
    """Return smooth fractal noise of about unit deviation; `cell_px` is the size of its largest features."""
    total = np.zeros(size, np.float32)
    weight, power = 1.0, 0.0
    for octave in range(octaves):
        total += _value_noise(rng, size, max(cell_px / 2**octave, 1.0)) * np.float32(weight)
        power += weight**2
        weight *= 0.55
    return field(total / np.float32(0.75 * np.sqrt(power)))


def _value_noise(rng: np.random.Generator, size: Size, cell_px: float) -> Field:
    """Return white noise on a coarse lattice, cubically enlarged and cut to size."""
    if cell_px >= 16:  # smooth enough to be made at a quarter of the size
        small = _value_noise(rng, (-(-size[0] // 4), -(-size[1] // 4)), cell_px / 4)
        enlarged = cv2.resize(small, (small.shape[1] * 4, small.shape[0] * 4), interpolation=cv2.INTER_CUBIC)
        return field(enlarged)[: size[0], : size[1]]
    lattice = (int(np.ceil(size[0] / cell_px)) + 4, int(np.ceil(size[1] / cell_px)) + 4)
    full = (round(lattice[1] * cell_px), round(lattice[0] * cell_px))
    enlarged = cv2.resize(grain(rng, lattice), full, interpolation=cv2.INTER_CUBIC)
    edge = round(cell_px * 1.5)
    return field(enlarged)[edge : edge + size[0], edge : edge + size[1]]


def ramp(distance: Field, width_px: float) -> Field:
    """Return 0 below −width/2, 1 above +width/2, linear between: an anti-aliased edge."""
    return field(np.clip(distance / np.float32(width_px) + np.float32(0.5), 0, 1))


def direction(angle_rad: float) -> Point:
    """Return cosine and sine as plain floats, which leave float32 fields float32."""
    return float(np.cos(angle_rad)), float(np.sin(angle_rad))


def grid_coordinates(size: Size) -> tuple[Field, Field]:
    """Return the x and the y of each pixel."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    return field(x), field(y)


def blob(
    rng: np.random.Generator,
    size: Size,
    *,
    center: Point,
    radius_px: float,
    elongation: float = 1.0,
    ragged: float = 0.25,
    edge_px: float = 1.5,
) -> Field:
    """Draw the coverage 0–1 of an irregular, turned ellipse. `ragged` is the outline's relative deviation."""
    turn = rng.uniform(0, np.pi)
    waves = np.arange(2, 9)
    amplitudes = ragged * rng.normal(size=waves.size) * 1.3 / waves**1.2
    phases = rng.uniform(0, 2 * np.pi, waves.size)
    lobes = 1 + float(np.abs(amplitudes).sum())
    left, top, right, bottom = _window(size, center, radius_px * np.sqrt(elongation) * lobes + edge_px + 2)
    result = np.zeros(size, np.float32)
    if right <= left or bottom <= top:
        return result
    y, x = np.mgrid[top:bottom, left:right]
    dx, dy = x - center[0], y - center[1]
    along = (dx * np.cos(turn) + dy * np.sin(turn)) / np.sqrt(elongation)
    across = (-dx * np.sin(turn) + dy * np.cos(turn)) * np.sqrt(elongation)
    radius, angle = field(np.hypot(along, across)), field(np.arctan2(across, along))
    outline = np.ones_like(radius)
    for wave, amplitude, phase in zip(waves, amplitudes, phases, strict=True):
        outline += np.float32(amplitude) * np.cos(np.float32(wave) * angle + np.float32(phase))
    inside = np.float32(radius_px) * np.maximum(outline, np.float32(0.3)) - radius
    result[top:bottom, left:right] = ramp(inside, edge_px)
    return result


def _window(size: Size, center: Point, reach_px: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a square around a point, cut to the picture."""
    left, top = max(int(center[0] - reach_px), 0), max(int(center[1] - reach_px), 0)
    right, bottom = min(int(center[0] + reach_px) + 2, size[1]), min(int(center[1] + reach_px) + 2, size[0])
    return left, top, right, bottom


def wander(
    rng: np.random.Generator,
    *,
    start: Point,
    heading_rad: float,
    length_px: float,
    bend: float,
    step_px: float = 3.0,
) -> NDArray[np.float64]:
    """Draw a curve of points (n × 2, x and y) whose direction drifts; `bend` 0 is a straight line."""
    count = max(int(length_px / step_px), 2)
    turning = np.cumsum(rng.normal(0, bend, count)) * 0.12 + rng.normal(0, bend) * 0.02 * np.arange(count)
    headings = heading_rad + turning
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=1) * step_px
    points: NDArray[np.float64] = np.asarray(start) + np.vstack([[0.0, 0.0], np.cumsum(steps, axis=0)])
    return points


def stroke(size: Size, points: NDArray[np.float64], width_px: float, *, taper: bool = False) -> Field:
    """Draw the coverage 0–1 of a line of `width_px` along `points`; with `taper` it thins towards both ends."""
    margin = int(width_px) + 3
    left, top = (max(int(low) - margin, 0) for low in points.min(axis=0))
    right, bottom = (
        min(int(high) + margin, end) for high, end in zip(points.max(axis=0), (size[1], size[0]), strict=True)
    )
    result = np.zeros(size, np.float32)
    if right <= left or bottom <= top:
        return result
    scale = _STROKE_SCALE
    canvas = np.zeros(((bottom - top) * scale, (right - left) * scale), np.uint8)
    scaled = np.round((points - [left, top] + 0.5) * scale).astype(np.int32)
    segments = len(scaled) - 1
    for index in range(segments):
        share = min(1.0, 0.25 + 3.0 * min(index + 1, segments - index) / segments) if taper else 1.0
        start = (int(scaled[index][0]), int(scaled[index][1]))
        end = (int(scaled[index + 1][0]), int(scaled[index + 1][1]))
        cv2.line(canvas, start, end, 255, max(round(width_px * scale * share), 1))
    reduced = cv2.resize(canvas, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    result[top:bottom, left:right] = field(reduced) / np.float32(255)
    return result


def slopes(height: Field) -> tuple[Field, Field]:
    """Return the central differences of a relief: its rise per pixel to the right and downwards."""
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    across = cv2.filter2D(height, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    down = cv2.filter2D(height, -1, np.ascontiguousarray(kernel.T), borderType=cv2.BORDER_REFLECT_101)
    return field(across), field(down)


def lambert(height: Field, *, azimuth_rad: float, elevation_rad: float) -> Field:
    """Return the cosine of the angle between a relief's normal and a distant light (0 where it faces away)."""
    across, down = slopes(height)
    right, downwards = direction(azimuth_rad)
    flat, steep = direction(elevation_rad)
    cosine = across * (-right * flat) + down * (-downwards * flat) + steep
    return field(np.maximum(cosine, 0) / np.sqrt(1 + across * across + down * down))


def shift(image: Field, dx_px: float, dy_px: float) -> Field:
    """Move an image by a fraction of pixels; what comes in repeats the border."""
    matrix = np.array([[1, 0, dx_px], [0, 1, dy_px]], np.float32)
    size = (image.shape[1], image.shape[0])
    return field(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def dust(rng: np.random.Generator, size: Size, *, most: int, radius_px: float = 0.9) -> Field:
    """Draw the coverage of a few specks too small to be a defect: benign dirt that every line has."""
    specks = np.zeros(size, np.float32)
    for _ in range(int(rng.integers(0, most + 1))):
        x, y = rng.uniform(2, size[1] - 2), rng.uniform(2, size[0] - 2)
        end = np.array([[x, y], [x + rng.normal(0, 0.8), y + rng.normal(0, 0.8)]])
        width = 2 * radius_px * rng.uniform(0.4, 1.0)
        specks = np.maximum(specks, stroke(size, end, width) * np.float32(rng.uniform(0.4, 1.0)))
    return specks
