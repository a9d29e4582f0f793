"""CSV lists: one line an image, and one line a region, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from core.files.spreadsheet_cells import guard_cell
from core.images.annotations.run_codes import pack_counts
from core.images.exports.records import Entry, ExportImage, ExportType, Marked
from core.images.exports.spooling import Spool
from core.images.regions.records import MASK, POLYGON, Region

IMAGE_COLUMNS = (
    "path",
    "product",
    "label",
    "defect_type",
    "defect_type_ko",
    "defect_type_en",
    "severity",
    "split",
    "part",
    "view",
    "domain",
    "mask",
    "original_name",
    "width_px",
    "height_px",
    "byte_size",
    "sha256",
)
REGION_COLUMNS = ("path", "defect_type", "shape", "x", "y", "width", "height", "outline")
_MARK = "\ufeff"  # without it Excel reads Korean as something else


class CsvLayout:
    """`images/…`, `images.csv` and `regions.csv`."""

    def __init__(self, product_code: str, types: Sequence[ExportType]) -> None:
        self._product_code = product_code
        self._images, self._regions = Spool(), Spool()
        self._images.write(_MARK + _row(IMAGE_COLUMNS))
        self._regions.write(_MARK + _row(REGION_COLUMNS))

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        return f"images/{image.name}"

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        return f"masks/{image.stem}_mask.png"

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Note the image and its regions; yield nothing yet."""
        kind = image.type
        path = self.image_path(image)
        self._images.write(
            _row(
                (
                    path,
                    self._product_code,
                    kind.code if image.is_defect and kind is not None else image.image_type,
                    *(("",) * 4 if kind is None else (kind.code, kind.name_ko, kind.name_en, kind.severity)),
                    image.split,
                    image.part,
                    image.view,
                    image.domain,
                    "" if image.mask_key is None else self.mask_path(image),
                    image.original_name,
                    image.width_px,
                    image.height_px,
                    image.byte_size,
                    image.sha256,
                )
            )
        )
        for region, own in image.regions:
            name = own or kind
            bounds = (region.x, region.y, region.width, region.height)
            self._regions.write(
                _row((path, "" if name is None else name.code, region.shape, *bounds, _outline(region)))
            )
        yield from ()

    def finish(self) -> Iterator[Entry]:
        """Yield both lists."""
        for spool, name in ((self._images, "images.csv"), (self._regions, "regions.csv")):
            yield spool.entry(name)

    def close(self) -> None:
        """Give the files back."""
        self._images.close()
        self._regions.close()


def _outline(region: Region) -> str:
    if region.shape == POLYGON:
        return json.dumps(region.points)
    return pack_counts(region.counts) if region.shape == MASK else ""


def _row(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(map(guard_cell, values))
    return out.getvalue()
