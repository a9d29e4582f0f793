"""Sources of an import in memory, of tiny pictures: photos, masks that mark something, and black ones."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from core.images.imports.names import IMAGE_ENDINGS
from core.images.imports.planning import plan_import
from core.images.imports.records import ImportPlan
from core.images.imports.sources import ImportSource

SIZE_PX = 16
PHOTO, MARKED, BLANK = "photo", "marked", "blank"


@cache
def picture(kind: str, ending: str = "png", seed: int = 0) -> bytes:
    """Return a tiny picture; photos of other seeds differ."""
    if kind == PHOTO:
        pixels = np.random.default_rng(seed).integers(0, 256, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    else:
        pixels = np.zeros((SIZE_PX, SIZE_PX), dtype=np.uint8)
        pixels[4:8, 4:10] = 255 if kind == MARKED else 0
    out = io.BytesIO()
    formats = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF"}
    Image.fromarray(pixels).save(out, formats.get(ending.lower(), ending.upper()), quality=95)
    return out.getvalue()


def source_of(files: Sequence[str] | Mapping[str, str | bytes], root_name: str = "") -> ImportSource:
    """Return a source of these paths; a value is the kind of a picture, or the bytes; a list is of photos."""
    given = files if isinstance(files, Mapping) else dict.fromkeys(files, PHOTO)
    readers: dict[str, Any] = {}
    for number, (path, content) in enumerate(given.items()):
        ending = path.rpartition(".")[2]
        is_picture = ending.lower() in IMAGE_ENDINGS
        data = content if isinstance(content, bytes) else picture(content, ending, number) if is_picture else b"?"
        readers[path] = lambda data=data: data
    return ImportSource(root_name, readers)


def plan_of(files: Sequence[str] | Mapping[str, str | bytes], root_name: str = "", **more: Any) -> ImportPlan:
    """Return the plan of an import of these files."""
    return plan_import(source_of(files, root_name), **more)


def counts(plan: ImportPlan) -> dict[tuple[str, str, str], int]:
    """Return how many images there are by product, split and label ("normal", or the name of the defect)."""
    found: dict[tuple[str, str, str], int] = {}
    for image in plan.images:
        key = (image.product, image.split, image.defect_name or image.kind)
        found[key] = found.get(key, 0) + 1
    return found


def masks(plan: ImportPlan) -> dict[str, tuple[str, ...]]:
    """Return the masks by image."""
    return {image.path: image.masks for image in plan.images if image.masks}


def reasons(plan: ImportPlan) -> dict[str, str]:
    """Return why files are left out, by path, of those that somebody loses."""
    return {found.path: found.reason for found in plan.left_out if found.matters}


def numbered(pattern: str, count: int, start: int = 0) -> list[str]:
    """Return paths with numbers in the place of `#`s: `a/###.png` becomes a/000.png, a/001.png, …"""
    width = pattern.count("#")
    return [pattern.replace("#" * width, f"{number:0{width}d}") for number in range(start, start + count)]
