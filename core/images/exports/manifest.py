"""The manifest: what each file of an export is, by hash, and everything that its format has no place for.

`geomsa-export.json` is about the product, its types and the files; `geomsa-images-<n>.jsonl` has a line for each image.
The first is written last: an export that was broken off has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from core.catalog.views import View
from core.images.annotations.run_codes import pack_counts
from core.images.exports.records import (
    HEADER_NAME,
    IMAGES_NAME,
    INEXACT,
    Entry,
    ExportFormat,
    ExportImage,
    ExportSummary,
    ExportType,
)
from core.images.exports.spooling import Spool
from core.images.regions.records import MASK, POLYGON, Region
from storage.tables import Product

VERSION = 1
_SHARD_BYTES = 24_000_000  # well below what an import takes of one file


class Manifest:
    """Collects a line for each image, and the hashes of the other files."""

    def __init__(
        self, product: Product, types: Sequence[ExportType], views: Sequence[View], export_format: ExportFormat
    ) -> None:
        self._product, self._types, self._views, self._format = product, types, views, export_format
        self._shards: list[Spool] = []
        self._files: list[dict[str, Any]] = []

    def add_image(
        self, image: ExportImage, written: Entry, *, mask: Entry | None, annotations: Sequence[Entry]
    ) -> None:
        """Note an image that was written, with its mask and the files about it alone."""
        if not self._shards or self._shards[-1].byte_size > _SHARD_BYTES:
            self._shards.append(Spool())
        line: dict[str, Any] = {
            **_about(written),
            "width_px": image.width_px,
            "height_px": image.height_px,
            "label": image.image_type,
            "type": None if image.type is None else image.type.code,
            "split": image.split,
            "part": image.part,
            "part_source": image.part_source,
            "view": image.view,
            "domain": image.domain,
            "original_name": image.original_name,
            "mask": None if mask is None else _about(mask),
            "annotations": [_about(entry) for entry in annotations],
            # A region without a type of its own shows that of its image.
            "regions": [_region(region, kind or image.type) for region, kind in image.regions],
        }
        self._shards[-1].write(_text(line) + "\n")

    def add_file(self, entry: Entry) -> None:
        """Note a file about all images."""
        self._files.append(_about(entry))

    def finish(self, summary: ExportSummary) -> Iterator[Entry]:
        """Yield the lines of the images, then the rest."""
        shards: list[dict[str, Any]] = []
        for number, spool in enumerate(self._shards, start=1):
            entry = spool.entry(IMAGES_NAME.format(number=number))
            shards.append(_about(entry))
            yield entry
        header = {
            "geomsa_export": VERSION,
            "format": self._format,
            "product": {
                "code": self._product.code,
                "name": self._product.name,
                "name_en": self._product.name_en,
                "description": self._product.description,
            },
            "license_notice": self._product.notice,
            "types": [
                {
                    "code": kind.code,
                    "name_ko": kind.name_ko,
                    "name_en": kind.name_en,
                    "severity": kind.severity,
                    "description": kind.description,
                    "outcome": kind.outcome,
                    "is_active": kind.is_active,
                }
                for kind in self._types
            ],
            "views": [
                {
                    "code": view.code,
                    "name": view.name,
                    "name_en": view.name_en,
                    "modality": view.modality,
                    "is_required": view.is_required,
                    "found_as": view.found_as,
                    "is_active": view.is_active,
                }
                for view in self._views
            ],
            "counts": {
                "images": summary.n_images,
                "masks": summary.n_masks,
                "regions": summary.n_regions,
                "bytes": summary.n_bytes,
                **dict(sorted(summary.counts.items())),
            },
            # Outlines that the format itself cannot hold: exact in the lines of the images and in the masks.
            "outlines_exact_in": "manifest" if self._format in INEXACT else "format",
            # What other programs do not see, and how many images have it (0: the product has it).
            "only_in_manifest": dict(sorted(summary.beside_format.items())),
            "image_lines": shards,
            "files": self._files,
            "left_out": [{"name": name, "reason": reason} for name, reason in summary.left_out],
        }
        text = json.dumps(header, ensure_ascii=False, allow_nan=False, indent=1)
        yield Entry.of(HEADER_NAME, (text + "\n").encode("utf-8"))

    def close(self) -> None:
        """Give the files back."""
        for spool in self._shards:
            spool.close()


def _about(entry: Entry) -> dict[str, Any]:
    return {"path": entry.path, "sha256": entry.sha256, "byte_size": entry.byte_size}


def _region(region: Region, kind: ExportType | None) -> dict[str, Any]:
    about: dict[str, Any] = {
        "shape": region.shape,
        "type": None if kind is None else kind.code,
        "bounds": [region.x, region.y, region.width, region.height],
        "origin": region.origin,
    }
    if region.shape == POLYGON:
        about["points"] = region.points
    elif region.shape == MASK:
        about["counts"] = pack_counts(region.counts)
    return about


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
