"""YOLO: a text file for each image, and `data.yaml` with the names.

Boxes where an image has boxes alone; polygons for all of them as soon as it has an outline, because programs read a
file as one or the other. Masks become polygons along their edge: holes are filled. A normal image has an empty file,
a defect image of which nobody has marked anything has none: it must not teach that there is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from core.images.exports.marking import outlines
from core.images.exports.records import Entry, ExportImage, ExportType, Marked, classes_of
from core.images.regions.records import BOX


class YoloLayout:
    """`images/<split>/…`, `labels/<split>/….txt` and `data.yaml`."""

    def __init__(self, types: Sequence[ExportType]) -> None:
        self._numbers = classes_of(types)
        self._splits: list[str] = []

    def image_path(self, image: ExportImage) -> str:
        """Return where the image goes."""
        return f"images/{image.split}/{image.name}"

    def mask_path(self, image: ExportImage) -> str:
        """Return where its mask goes."""
        return f"masks/{image.split}/{image.stem}_mask.png"

    def annotate(self, image: ExportImage, marked: Callable[[], Marked]) -> Iterator[Entry]:
        """Yield the image's text file."""
        if image.split not in self._splits:
            self._splits.append(image.split)
        found = marked()
        if not found and image.is_defect:
            return
        lines: list[str] = []
        as_boxes = all(region.shape == BOX for region, _kind in found)
        for region, kind in found:
            number = self._numbers[kind.code]
            if as_boxes:
                center_x, center_y = region.x + region.width / 2, region.y + region.height / 2
                values = [
                    center_x / image.width_px,
                    center_y / image.height_px,
                    region.width / image.width_px,
                    region.height / image.height_px,
                ]
                lines.append(_line(number, values))
                continue
            lines += [
                _line(number, [part for x, y in ring for part in (x / image.width_px, y / image.height_px)])
                for ring in outlines(region, width_px=image.width_px, height_px=image.height_px)
            ]
        yield Entry.of(f"labels/{image.split}/{image.stem}.txt", "".join(lines).encode("ascii"))

    def finish(self) -> Iterator[Entry]:
        """Yield the file of names."""
        # A split that there is not is not named: another in its place would be tested on what was learned.
        have = self._splits
        lines = ["path: ."]
        lines += [f"{split}: images/{split}" for split in ("train", "val", "test") if split in have]
        lines.append("names:")
        lines += [f"  {number}: {json.dumps(code)}" for code, number in self._numbers.items()]
        yield Entry.of("data.yaml", ("\n".join(lines) + "\n").encode("utf-8"))

    def close(self) -> None:
        """Do nothing: nothing is held."""
        return


def _line(number: int, values: list[float]) -> str:
    return " ".join([str(number), *(f"{value:.8g}" for value in values)]) + "\n"
