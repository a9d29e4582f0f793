"""Changes at random in training images: the same for the same seed, epoch and image, whatever was drawn before.

So a training that goes on after it was killed sees what it would have seen. Pixels alone, by numpy and OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.recipes.settings import AugmentationSettings
from inference.vision.learning.trained_network.description import LETTERBOX_GRAY

# What a camera without colors gives has none to change.
COLOR_MODALITIES = frozenset({"rgb", "color", ""})
_ERASED_SHARE = (0.02, 0.2)  # of the area, Zhong et al.: .02 to .4; a defect must not vanish that easily
_ERASED_ASPECT = 0.3
_BLUR_SIGMA_PX = (0.4, 1.6)
_IMAGES, _MIXES = 1, 2

Pixels = NDArray[np.uint8]


def fit_to_modality(settings: AugmentationSettings, modality: str) -> AugmentationSettings:
    """Return the settings without what makes no sense for the modality: hue and saturation of gray images."""
    if modality.lower() in COLOR_MODALITIES:
        return settings
    return replace(settings, hue=0.0, saturation=0.0)


def changes_pixels(settings: AugmentationSettings) -> bool:
    """Return whether any training image may be changed: what a frozen network says of it can then not be kept."""
    return settings != AugmentationSettings()


def augment(pixels: Pixels, settings: AugmentationSettings, *, seed: int, epoch: int, index: int) -> Pixels:
    """Return RGB uint8 (H, W, 3) changed at random, of the same shape; `index` is the image's number.

    Places first (flips, then turned, scaled and moved at once), then light and color, softness, noise, erasing.
    """
    rng = np.random.default_rng((seed, _IMAGES, epoch, index))
    # All numbers are drawn whatever is on, so that one setting does not change what another one draws.
    chances = rng.random(5)
    ways = rng.uniform(-1.0, 1.0, 8)
    rectangle = rng.random(5)
    changed = pixels
    if settings.flip_horizontal and chances[0] < 0.5:
        changed = changed[:, ::-1]
    if settings.flip_vertical and chances[1] < 0.5:
        changed = changed[::-1]
    changed = _move(np.ascontiguousarray(changed), settings, ways)
    changed = _light(changed, settings, ways)
    changed = _color(changed, settings, ways)
    if chances[2] < settings.blur:
        sigma = _BLUR_SIGMA_PX[0] + (_BLUR_SIGMA_PX[1] - _BLUR_SIGMA_PX[0]) * chances[3]
        changed = np.asarray(cv2.GaussianBlur(changed, (0, 0), float(sigma)), np.uint8)
    if settings.noise > 0:
        noise = rng.normal(0.0, settings.noise * 255.0, changed.shape).astype(np.float32)
        if _is_gray(pixels):
            noise = np.repeat(noise[..., :1], 3, axis=2)
        changed = np.rint(changed + noise).clip(0, 255).astype(np.uint8)
    if chances[4] < settings.erasing:
        changed = _erase(changed, rectangle)
    return np.ascontiguousarray(changed)


@dataclass(frozen=True)
class Mix:
    """How the images of a batch are mixed with one another: image i with `partners[i]`, of which it keeps `kept`.

    With `box` (top, bottom, left, right in pixels) that box is the partner's, else every pixel is a mean.
    """

    partners: NDArray[np.int64]
    kept: float
    box: tuple[int, int, int, int] | None


def draw_mix(
    settings: AugmentationSettings, *, seed: int, epoch: int, step: int, count: int, size_px: tuple[int, int]
) -> Mix | None:
    """Return how a batch of `count` images of `size_px` (height, width) is mixed, None where it is not.

    Where mixup and cutmix are both on, each batch takes one of them.
    """
    if count < 2 or (settings.mixup <= 0 and settings.cutmix <= 0):
        return None
    rng = np.random.default_rng((seed, _MIXES, epoch, step))
    partners = np.asarray(rng.permutation(count), np.int64)
    cut = settings.cutmix > 0 and (settings.mixup <= 0 or rng.random() < 0.5)
    alpha = settings.cutmix if cut else settings.mixup
    kept = float(rng.beta(alpha, alpha))
    if not cut:
        return Mix(partners, kept, None)
    height, width = size_px
    share = float(np.sqrt(1.0 - kept))
    y, x = rng.integers(0, height), rng.integers(0, width)
    top, bottom = (int(np.clip(round(y + way * share * height / 2), 0, height)) for way in (-1, 1))
    left, right = (int(np.clip(round(x + way * share * width / 2), 0, width)) for way in (-1, 1))
    return Mix(partners, 1.0 - (bottom - top) * (right - left) / (height * width), (top, bottom, left, right))


def mix_targets(targets: NDArray[np.float32], mix: Mix) -> NDArray[np.float32]:
    """Return the mixed targets, float32 (N, K)."""
    kept = np.float32(mix.kept)
    return np.asarray(targets * kept + targets[mix.partners] * (np.float32(1.0) - kept), np.float32)


def mix_pixels(batch: NDArray[np.float32], mix: Mix) -> NDArray[np.float32]:
    """Return the mixed images, float32 (N, H, W, 3)."""
    if mix.box is not None:
        top, bottom, left, right = mix.box
        mixed = batch.copy()
        mixed[:, top:bottom, left:right] = batch[mix.partners, top:bottom, left:right]
        return mixed
    kept = np.float32(mix.kept)
    return np.asarray(batch * kept + batch[mix.partners] * (np.float32(1.0) - kept), np.float32)


def _move(pixels: Pixels, settings: AugmentationSettings, ways: NDArray[np.float64]) -> Pixels:
    angle, scale = settings.rotation_deg * ways[0], 1.0 + settings.scale * ways[1]
    right, down = settings.translation * ways[2], settings.translation * ways[3]
    if not (angle or right or down) and scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(angle), float(scale))
    matrix[:, 2] += (right * width, down * height)
    # Mirrored at the border: an edge that no part has would be learned as one.
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
        np.uint8,
    )


def _light(pixels: Pixels, settings: AugmentationSettings, ways: NDArray[np.float64]) -> Pixels:
    if not (settings.brightness or settings.contrast):
        return pixels
    gain, lift = 1.0 + settings.contrast * ways[4], 255.0 * settings.brightness * ways[5]
    table = (np.arange(256) - 127.5) * gain + 127.5 + lift
    return np.asarray(cv2.LUT(pixels, np.rint(table).clip(0, 255).astype(np.uint8)), np.uint8)


def _color(pixels: Pixels, settings: AugmentationSettings, ways: NDArray[np.float64]) -> Pixels:
    if not (settings.saturation or settings.hue) or _is_gray(pixels):
        return pixels
    tones = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV), np.float32)
    tones[..., 0] = (tones[..., 0] + 180.0 * settings.hue * ways[6]) % 180.0
    tones[..., 1] = (tones[..., 1] * (1.0 + settings.saturation * ways[7])).clip(0, 255)
    whole = np.rint(tones).astype(np.int16)
    whole[..., 0] %= 180
    return np.asarray(cv2.cvtColor(whole.astype(np.uint8), cv2.COLOR_HSV2RGB), np.uint8)


def _erase(pixels: Pixels, drawn: Sequence[float] | NDArray[np.float64]) -> Pixels:
    height, width = pixels.shape[:2]
    area = (_ERASED_SHARE[0] + (_ERASED_SHARE[1] - _ERASED_SHARE[0]) * drawn[0]) * height * width
    aspect = np.exp(np.log(_ERASED_ASPECT) * (2.0 * drawn[1] - 1.0))
    rows = int(np.clip(round(float(np.sqrt(area * aspect))), 1, height))
    columns = int(np.clip(round(float(np.sqrt(area / aspect))), 1, width))
    top, left = int(drawn[2] * (height - rows + 1)), int(drawn[3] * (width - columns + 1))
    erased = pixels.copy()
    erased[top : top + rows, left : left + columns] = LETTERBOX_GRAY
    return erased


def _is_gray(pixels: Pixels) -> bool:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return bool(np.array_equal(red, green) and np.array_equal(green, blue))
