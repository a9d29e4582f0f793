"""Reads the manifest of an export: what its format has no place for comes back as it was.

A file of annotations that somebody has changed since counts more than the manifest: then the regions are read from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalog.defect_types import SEVERITIES
from core.catalog.views import FOUND_AS_NAMES, MODALITY_NAMES
from core.errors import AppError
from core.images.annotations.documents import as_dict, as_list, as_number, as_text, read_json
from core.images.annotations.records import MOST_FILE_BYTES, AnnotationError
from core.images.annotations.run_codes import region_of_runs, unpack_counts
from core.images.annotations.shapes import numbers
from core.images.domains import DOMAINS
from core.images.exports.facts import ProductFacts, TypeFacts, ViewFacts
from core.images.exports.manifest import VERSION
from core.images.exports.records import HEADER_NAME
from core.images.labels import IMAGE_TYPES, SPLITS
from core.images.parts import LONGEST_PART
from core.images.regions.records import BOX, MASK, POLYGON, Region

Files = Mapping[str, Callable[[], bytes]]
_ORIGINS = ("person", "import", "model")
_PART_SOURCES = ("", "folder", "file_name", "list", "inspection", "similar", "person")


@dataclass(frozen=True)
class ImageFacts:
    """An image as it was when it left; `regions` name their type by its code. `by` is the manifest's path.

    `is_marked`: the regions and the mask count; else an annotation file that was changed since says what is marked.
    """

    path: str
    image_type: str
    type_code: str
    split: str
    part: str
    part_source: str
    view: str
    original_name: str
    mask: str
    regions: tuple[Region, ...]
    is_marked: bool
    product: ProductFacts
    by: str
    domain: str = ""


@dataclass
class Exported:
    """What the manifests among some files say: images by path, and the files that only tell about them.

    `problems` are (path, code) of what cannot be used.
    """

    images: dict[str, ImageFacts] = field(default_factory=dict)
    about: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)


def read_exported(files: Files, *, sizes: Mapping[str, int] | None = None) -> Exported:
    """Return what the manifests of exports among the files say; `sizes` are the sizes of files where they are known."""
    found = Exported()
    for path in sorted(files):
        if path.rsplit("/", 1)[-1] == HEADER_NAME:
            try:
                _Manifest(files, path, sizes or {}, found).read()
            except (AnnotationError, AppError, OSError):
                found.problems.append((path, "export_manifest_damaged"))
    return found


class _Manifest:
    """One manifest; its paths are those of the folder that it lies in."""

    def __init__(self, files: Files, path: str, sizes: Mapping[str, int], found: Exported) -> None:
        self._files, self._path, self._sizes, self._found = files, path, sizes, found
        self._top = path[: -len(HEADER_NAME)]
        self._changed_for_all = False

    def read(self) -> None:
        header = as_dict(read_json(self._files[self._path]()))
        if header.get("geomsa_export") != VERSION:
            raise AnnotationError("annotation_damaged")
        product = _product(header)
        lines = list(self._lines(header))
        self._found.about.add(self._path)
        self._found.about |= {self._place(one) for one in map(as_dict, as_list(header.get("image_lines")))}
        for one in map(as_dict, as_list(header.get("files"))):
            if self._is_as_it_was(one):
                self._found.about.add(self._place(one))
            elif self._place(one) in self._files and str(header.get("format")) == "coco":
                self._changed_for_all = True
            elif self._place(one) in self._files:
                self._found.about.add(self._place(one))  # a list of names or images: the manifest says more
        for line in lines:
            self._read_image(line, product)

    def _lines(self, header: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        for shard in map(as_dict, as_list(header.get("image_lines"))):
            path = self._place(shard)
            if path not in self._files:
                raise AnnotationError("annotation_damaged")
            data = self._files[path]()
            if len(data) > MOST_FILE_BYTES or hashlib.sha256(data).hexdigest() != shard.get("sha256"):
                raise AnnotationError("annotation_damaged")
            for line in data.splitlines():
                try:
                    yield as_dict(json.loads(line))
                except (ValueError, RecursionError) as error:
                    raise AnnotationError("annotation_damaged") from error

    def _read_image(self, line: dict[Any, Any], product: ProductFacts) -> None:
        path = self._place(line)
        annotations = [as_dict(one) for one in as_list(line.get("annotations"))]
        mask = as_dict(line.get("mask"))
        changed = self._changed_for_all or any(
            self._place(one) in self._files and not self._is_as_it_was(one) for one in annotations
        )
        if not changed:
            self._found.about |= {self._place(one) for one in annotations}
        mask_path = self._place(mask) if mask else ""
        if mask_path and changed:
            self._found.about.add(mask_path)
        if path not in self._files:
            self._found.problems.append((path, "export_image_missing"))
            return
        if path in self._sizes and self._sizes[path] != line.get("byte_size"):
            self._found.problems.append((path, "export_image_changed"))
            return
        image_type, split = as_text(line.get("label")), as_text(line.get("split"))
        type_code = as_text(line.get("type"))
        codes = {kind.code for kind in product.types}
        if image_type not in IMAGE_TYPES or split not in SPLITS or (type_code and type_code not in codes):
            raise AnnotationError("annotation_damaged")
        source, domain = as_text(line.get("part_source")), as_text(line.get("domain"))
        self._found.images[path] = ImageFacts(
            path=path,
            image_type=image_type,
            type_code=type_code,
            split=split,
            part=str(line.get("part") or "")[:LONGEST_PART],
            part_source=source if source in _PART_SOURCES else "",
            view=str(line.get("view") or "")[:64],
            original_name=str(line.get("original_name") or "")[:255],
            mask=mask_path if mask_path in self._files and not changed else "",
            regions=()
            if changed
            else tuple(_region(as_dict(one), line, codes) for one in as_list(line.get("regions"))),
            is_marked=not changed,
            product=product,
            by=self._path,
            domain=domain if domain in DOMAINS else "",
        )

    def _is_as_it_was(self, one: dict[Any, Any]) -> bool:
        path = self._place(one)
        if path not in self._files:
            return False
        if path in self._sizes and self._sizes[path] != one.get("byte_size"):
            return False
        try:
            return hashlib.sha256(self._files[path]()).hexdigest() == one.get("sha256")
        except (AppError, OSError):
            return False

    def _place(self, one: Mapping[Any, Any]) -> str:
        return self._top + as_text(one.get("path"))


def _product(header: dict[Any, Any]) -> ProductFacts:
    given = as_dict(header.get("product"))
    code, name = as_text(given.get("code")), as_text(given.get("name"))
    if not code or not name:
        raise AnnotationError("annotation_damaged")
    types = []
    for one in map(as_dict, as_list(header.get("types"))):
        severity, outcome = as_text(one.get("severity")), as_text(one.get("outcome"))
        if not as_text(one.get("code")) or severity not in SEVERITIES or outcome not in {"defect", "good"}:
            raise AnnotationError("annotation_damaged")
        types.append(
            TypeFacts(
                as_text(one.get("code")),
                as_text(one.get("name_ko")) or as_text(one.get("code")),
                as_text(one.get("name_en")),
                severity,
                str(one.get("description") or ""),
                outcome,
                one.get("is_active") is not False,
            )
        )
    views = []
    for one in map(as_dict, as_list(header.get("views"))):
        modality, found_as = as_text(one.get("modality")), as_text(one.get("found_as"))
        if not as_text(one.get("code")) or modality not in MODALITY_NAMES or found_as not in FOUND_AS_NAMES:
            raise AnnotationError("annotation_damaged")
        views.append(
            ViewFacts(
                as_text(one.get("code")),
                as_text(one.get("name")),
                as_text(one.get("name_en")),
                modality,
                one.get("is_required") is not False,
                found_as,
                one.get("is_active") is not False,
            )
        )
    return ProductFacts(
        code,
        name,
        as_text(given.get("name_en")),
        str(given.get("description") or ""),
        str(header.get("license_notice") or ""),
        tuple(types),
        tuple(views),
    )


def _region(one: dict[Any, Any], line: dict[Any, Any], codes: set[str]) -> Region:
    kind = as_text(one.get("type"))
    bounds = as_list(one.get("bounds"))
    shape = as_text(one.get("shape"))
    if (kind and kind not in codes) or len(bounds) != 4 or shape not in {BOX, POLYGON, MASK}:
        raise AnnotationError("annotation_damaged")
    x, y, width, height = numbers(*bounds)
    origin = as_text(one.get("origin"))
    about: dict[str, Any] = {"type_name": kind, "origin": origin if origin in _ORIGINS else "import"}
    if shape == POLYGON:
        points = [
            numbers(*point) for point in as_list(one.get("points")) if isinstance(point, list) and len(point) == 2
        ]
        if len(points) < 3:
            raise AnnotationError("annotation_damaged")
        return Region(POLYGON, x, y, width, height, points=tuple((px, py) for px, py in points), **about)
    if shape == MASK:
        width_px, height_px = as_number(line.get("width_px")), as_number(line.get("height_px"))
        counts = unpack_counts(str(one.get("counts") or ""))
        return region_of_runs(counts, width_px=int(width_px or 0), height_px=int(height_px or 0), **about)
    return Region(BOX, x, y, width, height, **about)
