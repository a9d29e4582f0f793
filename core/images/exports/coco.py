"""COCO instances: a JSON file for each split, with boxes, polygons and compressed run lengths, nothing lost.

An image without annotations is a normal one, or one whose defect nobody has marked: the fields `label` and
`defect_type`, which the format leaves free, say which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.images.annotations.run_codes import pack_counts
from core.images.annotations.shapes import area
from core.images.exports.records import Entry, ExportImage, ExportType, Marked, classes_of
from core.images.exports.spooling import Spool, Spools
from core.images.regions.records import MASK, POLYGON, Region


class CocoLayout:
    """`images/<split>/…` and `annotations/instances_<split>.json`."""

    def __init__(self, types: Sequence[ExportType], *, notice: str) -> None:
        self._numbers = {code: number + 1 for code, number in classes_of(types).items()}
        self._types = {found.code: found for found in types}
        self._notice = notice
        self._images, self._annotations = Spools(), Spools()
        self._n_images = self._n_annotations = 0

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        return f"images/{image.split}/{image.name}"

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        return f"masks/{image.split}/{image.stem}_mask.png"

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Note the image and its regions; yield nothing yet."""
        self._n_images += 1
        about: dict[str, Any] = {
            "id": self._n_images,
            "file_name": image.name,
            "width": image.width_px,
            "height": image.height_px,
            "label": image.image_type,
            **({"defect_type": image.type.code} if image.type is not None else {}),
        }
        _append(self._images, image.split, about)
        for region, kind in marked():
            self._n_annotations += 1
            _append(
                self._annotations,
                image.split,
                {
                    "id": self._n_annotations,
                    "image_id": self._n_images,
                    "category_id": self._numbers[kind.code],
                    "bbox": [region.x, region.y, region.width, region.height],
                    "area": area(region),
                    "segmentation": _segmentation(region, image),
                    "iscrowd": 0,
                },
            )
        yield from ()

    def finish(self) -> Iterator[Entry]:
        """Yield the JSON file of each split."""
        categories = [
            {
                "id": number,
                "name": code,
                "supercategory": "defect",
                "name_ko": self._types[code].name_ko,
                "name_en": self._types[code].name_en,
                "severity": self._types[code].severity,
            }
            for code, number in self._numbers.items()
        ]
        for split, images in self._images.items():
            with Spool() as whole:
                whole.write('{"info":' + _text({"description": self._notice}) + ',"images":[\n')
                _copy(images, whole)
                whole.write('\n],"annotations":[\n')
                if split in self._annotations:
                    _copy(self._annotations.of(split), whole)
                whole.write('\n],"categories":' + _text(categories) + "}\n")
                yield whole.entry(f"annotations/instances_{split}.json")

    def close(self) -> None:
        """Give the files back."""
        self._images.close()
        self._annotations.close()


def _segmentation(region: Region, image: ExportImage) -> Any:
    if region.shape == POLYGON:
        return [[value for point in region.points for value in point]]
    if region.shape == MASK:
        return {"size": [image.height_px, image.width_px], "counts": pack_counts(region.counts)}
    return []


def _append(spools: Spools, split: str, value: Any) -> None:
    is_first = split not in spools
    spools.of(split).write(("" if is_first else ",\n") + _text(value))


def _copy(source: Spool, target: Spool) -> None:
    for piece in source.entry("").pieces:
        target.write_bytes(piece)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
