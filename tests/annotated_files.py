"""Annotation files as programs write them, drawn for tests: a dictionary of paths and bytes stands for an upload."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from core.images.annotations.finding import find_annotations
from core.images.annotations.reading import read_annotations
from core.images.annotations.records import Annotations

WIDTH, HEIGHT = 40, 30
_EXIF_ORIENTATION = 0x0112


def picture(seed: int = 0, *, width: int = WIDTH, height: int = HEIGHT, orientation: int = 1) -> bytes:
    """Return a small JPEG, lying in its file as the EXIF orientation says."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", exif=exif)
    return out.getvalue()


def readers(files: Mapping[str, bytes | str]) -> dict[str, Callable[[], bytes]]:
    """Return what reads each file."""

    def reader(data: bytes | str) -> Callable[[], bytes]:
        return lambda: data.encode() if isinstance(data, str) else data

    return {path: reader(data) for path, data in files.items()}


def read(files: Mapping[str, bytes | str]) -> Annotations:
    """Return what all annotation files among these say."""
    sources = readers(files)
    return read_annotations(
        find_annotations(sources), sources, is_good_word=lambda word: word.lower() in {"good", "ok"}
    )


def coco(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], categories: Mapping[int, str] | None = None
) -> str:
    """Return a COCO file."""
    names = {1: "scratch", 2: "hole"} if categories is None else categories
    return json.dumps(
        {
            "images": images,
            "annotations": [{"id": number, **one} for number, one in enumerate(annotations, start=1)],
            "categories": [{"id": number, "name": name} for number, name in names.items()],
        }
    )


def coco_image(number: int, name: str, *, width: int = WIDTH, height: int = HEIGHT) -> dict[str, Any]:
    """Return the line of one image."""
    return {"id": number, "file_name": name, "width": width, "height": height}


def voc(name: str, objects: list[tuple[str, tuple[float, float, float, float]]], *, size: tuple[int, int]) -> str:
    """Return a Pascal VOC file; boxes are xmin, ymin, xmax, ymax."""
    found = "".join(
        f"<object><name>{kind}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for kind, (a, b, c, d) in objects
    )
    return (
        f"<annotation><folder>any</folder><filename>{name}</filename><size><width>{size[0]}</width>"
        f"<height>{size[1]}</height><depth>3</depth></size>{found}</annotation>"
    )


def labelme(name: str, shapes: list[dict[str, Any]], *, flags: Mapping[str, bool] | None = None) -> str:
    """Return a LabelMe file."""
    return json.dumps(
        {
            "version": "5.4.1",
            "flags": dict(flags or {}),
            "shapes": shapes,
            "imagePath": name,
            "imageData": None,
            "imageHeight": HEIGHT,
            "imageWidth": WIDTH,
        }
    )


def label_studio(image: str, results: list[dict[str, Any]], **task: Any) -> dict[str, Any]:
    """Return one task of a Label Studio file."""
    sized = [{"original_width": WIDTH, "original_height": HEIGHT, **one} for one in results]
    return {"data": {"image": image}, "annotations": [{"result": sized, "was_cancelled": False}], **task}
