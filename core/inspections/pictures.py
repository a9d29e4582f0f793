"""The pictures of an inspection as files for a browser, each made once and served by an address of its own.

The token in the address comes from where the inspection's image is stored: another data folder, or a database that was
restored, has other tokens, so that what a browser keeps is never taken for another part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from core.errors import NotFound, from_lower
from core.inspections.colormap import color_levels, encode_heat, fit_within
from core.inspections.images import load_images, load_nearest_normal, load_pixels
from core.inspections.records import InspectionRecord, load_record
from core.transactions import reading
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.inspections.by_view.records import ViewRecord
    from core.inspections.images import InspectionImages
    from core.services import Services

SCREEN_PX = 1200
_COMPARED_PX = 640
_JPEG_QUALITY = 88
# Part of each token: raise it when any picture is drawn differently, so that browsers fetch them anew.
_DRAWN = 1
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
# A difference of this many gray levels (of 255) is drawn in the strongest color.
_FULL_DIFFERENCE = 80.0


@dataclass(frozen=True)
class Picture:
    """A picture as a file: its bytes and its content type."""

    data: bytes
    content_type: str


def picture_token(image_key: str) -> str:
    """Return what stands in the addresses of the pictures of the inspection whose image is stored under the key."""
    return hashlib.sha256(f"{_DRAWN}:{image_key}".encode()).hexdigest()[:20]


def keep_pictures(services: Services, record: InspectionRecord, images: InspectionImages) -> None:
    """Make the pictures that are drawn first, the part and its heat, of what is at hand; they are asked for next."""
    for name in ("part", "heat"):
        services.pictures.put(
            _key(record.id, picture_token(record.image_key), name), _FROM_IMAGES[name](record, images)
        )


def read_picture(services: Services, inspection_id: int, name: str, token: str) -> Picture:
    """Return a picture of an inspection: one of `PICTURES`, as it was kept or made anew from what is stored.

    Of a part with several views the name may end in `@` and the id of one view's picture (see `name_of_view`).
    Raises NotFound for an unknown name or inspection, another token, and a picture that there is none of (nothing to
    compare with); Unavailable where the object store does not answer.
    """
    plain, at, number = name.partition("@")
    if plain not in PICTURES or bool(at) != number.isdecimal():
        raise NotFound("not_found")
    kept = services.pictures.get(_key(inspection_id, token, name))
    if kept is None and name == "thumbnail":
        kept = _read_thumbnail(services, inspection_id, token)
        services.pictures.put(_key(inspection_id, token, name), kept)
    elif kept is None:
        record = load_record(services, inspection_id)
        if at:
            record = _find_view(record, number)
        if picture_token(record.image_key) != token:
            raise NotFound("not_found")
        kept = _make(services, record, plain)
        services.pictures.put(_key(inspection_id, token, name), kept)
    return Picture(kept, PICTURES[plain])


def name_of_view(name: str, picture: ViewRecord) -> str:
    """Return the name under which `read_picture` gives a picture of one view."""
    return f"{name}@{picture.id}"


def _find_view(record: InspectionRecord, number: str) -> InspectionRecord:
    pictures = record.combined.pictures if record.combined is not None else ()
    found = next((one for one in pictures if str(one.id) == number), None)
    if found is None or not found.image_key:
        raise NotFound("not_found")
    return record.of_view(found)


def find_nearest_name(services: Services, record: InspectionRecord) -> str | None:
    """Return the name of the normal image to compare a part with; None where there is none, or none any more."""
    if record.nearest_image_id is None:
        return None
    with reading(services) as session:
        image = session.get(Image, record.nearest_image_id)
    return image.stored_name if image is not None else None


def draw_difference(part: NDArray[np.uint8], nearest: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return where two RGB uint8 images differ in brightness, (H, W, 3) in color over the faded `part`.

    Both are smoothed, and `nearest` is brought to the brightness and contrast of `part` first: what remains is a
    difference in what is seen, not in the light.
    """
    shown = fit_within(part, _COMPARED_PX)
    size = (shown.shape[1], shown.shape[0])
    ours = _smooth_gray(shown, size)
    theirs = _smooth_gray(nearest, size)
    # Percentiles and not mean and deviation: a large defect must not move the whole picture.
    (low, middle, high), (their_low, their_middle, their_high) = (
        np.percentile(gray, (10, 50, 90)) for gray in (ours, theirs)
    )
    gain = float(np.clip((high - low) / max(their_high - their_low, 1e-3), 0.5, 2.0))
    theirs = (theirs - their_middle) * gain + middle
    level = np.clip(np.abs(ours - theirs) / _FULL_DIFFERENCE, 0.0, 1.0)
    faded = 0.35 * (shown.astype(np.float32) @ _WEIGHTS)[..., None] + 150.0
    weight = np.clip(level * 2.5, 0.0, 1.0)[..., None]
    mixed: NDArray[np.uint8] = np.clip(faded * (1 - weight) + color_levels(level) * weight, 0, 255).astype(np.uint8)
    return mixed


def _key(inspection_id: int, token: str, name: str) -> tuple[str, int, str, str]:
    return "inspection", inspection_id, token, name


def _read_thumbnail(services: Services, inspection_id: int, token: str) -> bytes:
    # Without the record: a list asks for fifty of them at once.
    with reading(services) as session:
        row = session.get(Inspection, inspection_id)
    if row is None or picture_token(row.image_key) != token:
        raise NotFound("not_found")
    return _read_object(services, row.thumbnail_key, row.original_name)


def _read_object(services: Services, key: str, name: str) -> bytes:
    try:
        return services.objects.get(key)
    except ObjectStoreError as error:
        raise from_lower(error, name=name) from error


def _make(services: Services, record: InspectionRecord, name: str) -> bytes:
    if name == "thumbnail":
        return _read_object(services, record.thumbnail_key, record.original_name)
    if not record.heat_map_key:
        # A picture that could not be judged is all that there is.
        if name != "part":
            raise NotFound("not_found")
        return _jpeg(fit_within(load_pixels(services, record), SCREEN_PX))
    if name in _FROM_IMAGES:
        return _FROM_IMAGES[name](record, load_images(services, record))
    nearest = load_nearest_normal(services, record)
    if nearest is None:
        raise NotFound("not_found")
    if name == "nearest":
        return _jpeg(fit_within(nearest.pixels, _COMPARED_PX))
    part = fit_within(load_images(services, record).pixels, SCREEN_PX)
    return _jpeg(draw_difference(part, fit_within(nearest.pixels, _COMPARED_PX)))


def _draw_part(_record: InspectionRecord, images: InspectionImages) -> bytes:
    return _jpeg(fit_within(images.pixels, SCREEN_PX))


def _draw_heat(record: InspectionRecord, images: InspectionImages) -> bytes:
    review_at, reject_at = record.map_limits
    return encode_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at)


def _draw_cut_out(_record: InspectionRecord, images: InspectionImages) -> bytes:
    return images.draw_peak()


_FROM_IMAGES: dict[str, Callable[[InspectionRecord, InspectionImages], bytes]] = {
    "part": _draw_part,
    "heat": _draw_heat,
    "cut-out": _draw_cut_out,
}
# By name: the part (at most 1,200 px a side), the heat over it, the thumbnail of lists, the most anomalous place beside
# the whole, the normal image to compare with, and where the two differ.
PICTURES: dict[str, str] = {
    "part": "image/jpeg",
    "heat": "image/png",
    "thumbnail": "image/jpeg",
    "cut-out": "image/jpeg",
    "nearest": "image/jpeg",
    "difference": "image/jpeg",
}


def _smooth_gray(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    image = PillowImage.fromarray(pixels).convert("L").resize(size, PillowImage.Resampling.BILINEAR)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(size) / 160)), np.float32)


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    from inference.vision.images.encoding import encode_jpeg

    return encode_jpeg(pixels, _JPEG_QUALITY)
