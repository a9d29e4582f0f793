"""Preparing images and masks for the store: decoded, checked and hashed, with large ones one after the other."""

from __future__ import annotations

import contextlib
import threading
import uuid
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.errors import AppError, BadInput, from_lower
from core.images.bit_depth import note_used_bits
from core.images.records import FileOutcome, IncomingFile, IngestItem, Label, PreparedImage
from core.images.regions.records import rasterize
from inference.errors import ImageError
from inference.vision.images.bit_depth import Reading, choose_reading
from inference.vision.images.containers import read_container
from inference.vision.images.decode import DecodedImage, Pixels, content_hash, decode, decode_mask, pixel_hash
from inference.vision.images.encoding import encode_png
from inference.vision.images.measures.summary import summarize

# A mask of more than this share of the image may well mark what is good: a person is asked to look.
INVERTED_SHARE = 0.6
_LARGE_PIXELS = 16_000_000
# Several images of 100 megapixels at a time would not fit into 1 GiB.
_LARGE_IMAGES = threading.Lock()


def prepare(item: IngestItem, *, bit_depth: Reading) -> PreparedImage | FileOutcome:
    """Decode (by `bit_depth`) and hash one image; a FileOutcome when it is refused."""
    name = item.file.name
    try:
        data = item.file.read()
        with _gate(data):
            decoded = decode(data, file_name=name, bit_depth=bit_depth)
            height_px, width_px = decoded.pixels.shape[:2]
            summary = summarize(decoded.pixels)
            prepared = PreparedImage(
                item=item,
                data=data,
                format=decoded.format,
                notes=note_used_bits(decoded.notes, decoded.used_bits),
                width_px=width_px,
                height_px=height_px,
                content_sha256=content_hash(data),
                pixel_sha256=pixel_hash(_compared(data, decoded, bit_depth)),
                thumbnail=summary.thumbnail,
                quality=",".join(summary.quality.warnings),
                blur_score=summary.quality.blur_score,
                difference_hash=summary.difference_hash,
                token=uuid.uuid4().hex,
            )
    except (ImageError, AppError, OSError, MemoryError) as error:
        return FileOutcome(name, "refused", error=_explain(error, name))
    if item.mask is None:
        return _mark_regions(prepared)
    try:
        mask = read_mask(item.mask, *item.more_masks, label=item.label, width_px=width_px, height_px=height_px)
    except AppError as error:
        return replace(prepared, mask_error=error)
    return replace(prepared, mask_png=mask.png, mask_share=mask.share)


def _mark_regions(prepared: PreparedImage) -> PreparedImage:
    """Return the image with the mask of its regions; those of an image of a good part mark no defect."""
    regions = prepared.item.regions
    if not regions or prepared.item.label.image_type != "defect":
        return prepared
    marked = rasterize(regions, width_px=prepared.width_px, height_px=prepared.height_px)
    if not marked.any():
        return prepared
    return replace(prepared, mask_png=_encode_mask(marked), mask_share=float(marked.mean()))


def _compared(data: bytes, decoded: DecodedImage, bit_depth: Reading) -> Pixels:
    """Return the pixels by which an image is known again, whatever bit depth is set: two dark ones are not alike."""
    used_bits = decoded.used_bits
    if used_bits is None or used_bits == choose_reading(bit_depth, declared=16):
        return decoded.pixels
    return decode(data, bit_depth=used_bits).pixels


@dataclass(frozen=True)
class ReadMask:
    """A mask as a gray PNG of 0 and 255, and the share of the image that it marks."""

    png: bytes
    share: float


def mask_notes(share: float | None) -> tuple[str, ...]:
    """Return the notes of a mask that was taken in and covers this share of its image."""
    return ("mask", "mask_inverted") if share is not None and share >= INVERTED_SHARE else ("mask",)


def read_mask(mask: IncomingFile, *more: IncomingFile, label: Label | None, width_px: int, height_px: int) -> ReadMask:
    """Return the mask at the size of its image; of several masks their union.

    Raises AppError: that of the file, mask_of_normal_image, mask_wrong_size, mask_empty.
    """
    if label is not None and label.image_type != "defect":
        raise BadInput("mask_of_normal_image", name=mask.name)
    marked = _read_marked(mask, width_px=width_px, height_px=height_px)
    for other in more:
        marked |= _read_marked(other, width_px=width_px, height_px=height_px)
    if not marked.any():
        raise BadInput("mask_empty", name=mask.name)
    return ReadMask(_encode_mask(marked), float(marked.mean()))


def _read_marked(mask: IncomingFile, *, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    try:
        data = mask.read()
        with _gate(data):
            marked = decode_mask(data, file_name=mask.name)
    except (ImageError, OSError, MemoryError) as error:
        raise _explain(error, mask.name) from error
    if marked.shape != (height_px, width_px):
        raise BadInput(
            "mask_wrong_size",
            name=mask.name,
            width_px=marked.shape[1],
            height_px=marked.shape[0],
            image_width_px=width_px,
            image_height_px=height_px,
        )
    return marked


def _encode_mask(marked: npt.NDArray[np.bool_]) -> bytes:
    return encode_png(np.where(marked, 255, 0).astype(np.uint8))


def _gate(data: bytes) -> contextlib.AbstractContextManager[object]:
    """Return the lock of large images for a large one (or one whose size its header does not tell early)."""
    container = read_container(data) if data else None
    if container is None:
        return contextlib.nullcontext()
    if container.width_px is None or container.height_px is None:
        return _LARGE_IMAGES
    large = container.width_px * container.height_px > _LARGE_PIXELS
    return _LARGE_IMAGES if large else contextlib.nullcontext()


def _explain(error: Exception, name: str) -> AppError:
    if isinstance(error, OSError):
        return BadInput("image_unreadable", name=name)
    return from_lower(error, name=name)
