"""Makes an export: file by file, in one pass over the images, with memory for a few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.catalog.products import get_product
from core.catalog.views import list_views
from core.errors import BadInput, NotFound, from_lower
from core.images.exports.coco import CocoLayout
from core.images.exports.csv_lists import CsvLayout
from core.images.exports.folders import FolderLayout
from core.images.exports.limits import NOT_IN_FORMAT, list_facts, list_facts_of_all
from core.images.exports.manifest import Manifest
from core.images.exports.marking import read_marks
from core.images.exports.records import (
    FORMAT_NAMES,
    Entry,
    ExportChoice,
    ExportImage,
    ExportSummary,
    ExportType,
    Layout,
    Marked,
)
from core.images.exports.selection import count_images, list_types, read_images
from core.images.exports.voc import VocLayout
from core.images.exports.yolo import YoloLayout
from core.images.labels import IMAGE_TYPES, SPLITS
from core.outgoing import counted, note_export
from inference.errors import ImageError
from inference.vision.images.decode import content_hash, decode_mask
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.access import Person
    from core.services import Services
    from storage.tables import Product

_GROUP_BYTES = 48_000_000
_GROUP_IMAGES = 24


@dataclass
class Export:
    """An export that was checked and can be written: `entries` yields its files once, `summary` grows meanwhile."""

    product: Product
    choice: ExportChoice
    n_images: int
    n_bytes: int
    entries: Iterator[Entry]
    summary: ExportSummary = field(default_factory=ExportSummary)


def start_export(services: Services, person: Person, product_id: int, choice: ExportChoice) -> Export:
    """Return the export of a product's images, or of those that were chosen.

    Raises NotFound not_found; BadInput export_format_unknown, image_split_unknown, image_type_unknown and
    export_nothing. While its entries are read: Unavailable where the store fails; an image whose file is missing or
    damaged is left out and named in the summary.
    """
    require_role(services, person, ENGINEER)
    if choice.format not in FORMAT_NAMES:
        raise BadInput("export_format_unknown", format=str(choice.format)[:40], formats=", ".join(FORMAT_NAMES))
    if any(split not in SPLITS for split in choice.splits):
        raise BadInput("image_split_unknown")
    if choice.image_type and choice.image_type not in IMAGE_TYPES:
        raise BadInput("image_type_unknown")
    product = get_product(services, product_id)
    n_images, n_bytes = count_images(services, product_id, choice)
    if n_images == 0:
        raise BadInput("export_nothing", product=product.code)
    summary = ExportSummary()
    entries = _Making(services, product, choice, summary).entries()

    def note(files: int, whole: bool) -> None:
        told = {"splits": list(choice.splits), "image_type": choice.image_type}
        note_export(
            services,
            person,
            "images",
            subject_type="product",
            subject_id=product_id,
            product=product.code,
            form=choice.format,
            filter={name: value for name, value in told.items() if value},
            count=n_images,
            files=files,
            whole=whole,
        )

    return Export(product, choice, n_images, n_bytes, counted(entries, note), summary)


class _Making:
    """One export in the making."""

    def __init__(self, services: Services, product: Product, choice: ExportChoice, summary: ExportSummary) -> None:
        self._services, self._product, self._choice, self._summary = services, product, choice, summary
        self._types = list_types(services, product.id)
        self._views = list_views(services, product.id, include_inactive=True)
        self._beside = NOT_IN_FORMAT[choice.format]

    def entries(self) -> Iterator[Entry]:
        """Yield the files; what is held on disk meanwhile is given back at the end, or when nobody reads on."""
        self._layout = _layout(self._choice, self._product, self._types)
        self._manifest = Manifest(self._product, self._types, self._views, self._choice.format)
        try:
            yield from self._entries()
        finally:
            self._layout.close()
            self._manifest.close()

    def _entries(self) -> Iterator[Entry]:
        group: list[ExportImage] = []
        n_bytes = 0
        for image in read_images(self._services, self._product.id, self._choice, self._types):
            group.append(image)
            n_bytes += image.byte_size
            if len(group) >= _GROUP_IMAGES or n_bytes >= _GROUP_BYTES:
                yield from self._write(group)
                group, n_bytes = [], 0
        yield from self._write(group)
        for entry in self._layout.finish():
            self._manifest.add_file(entry)
            self._count(entry)
            yield entry
        told = [self._product.description, *(view.name for view in self._views if view.name != view.code)]
        for fact in list_facts_of_all(self._types, told):
            if fact in self._beside:
                self._summary.beside_format.setdefault(fact, 0)
        yield from self._manifest.finish(self._summary)

    def _write(self, group: list[ExportImage]) -> Iterator[Entry]:
        """Yield the files of some images; their bytes are fetched side by side."""
        keys = [(image.object_key, image.mask_key) for image in group]
        fetched = self._services.objects.get_many([key for key in chain.from_iterable(keys) if key is not None])
        for image in group:
            data = self._checked(next(fetched)[1], image)
            mask = None if image.mask_key is None else self._checked(next(fetched)[1], image, is_mask=True)
            if data is not None:
                yield from self._write_one(image, data, mask)

    def _write_one(self, image: ExportImage, data: bytes, mask_png: bytes | None) -> Iterator[Entry]:
        entry = Entry(self._layout.image_path(image), (data,), len(data), image.sha256, is_image=True)
        yield entry
        mask = None if mask_png is None else Entry.of(self._layout.mask_path(image), mask_png)
        if mask is not None:
            self._summary.n_masks += 1
            yield mask
        written: list[Entry] = []
        for annotation in self._layout.annotate(image, self._marks(image, mask_png)):
            written.append(annotation)
            yield annotation
        self._manifest.add_image(image, entry, mask=mask, annotations=written)
        self._summary.n_images += 1
        self._summary.n_regions += len(image.regions)
        for name in (image.image_type, image.split):
            self._summary.counts[name] = self._summary.counts.get(name, 0) + 1
        for fact in list_facts(image):
            if fact in self._beside:
                self._summary.beside_format[fact] = self._summary.beside_format.get(fact, 0) + 1
        for one in (entry, *([mask] if mask is not None else []), *written):
            self._count(one)

    def _marks(self, image: ExportImage, mask_png: bytes | None) -> Callable[[], Marked]:
        def read_mask() -> npt.NDArray[np.bool_] | None:
            try:
                found = None if mask_png is None else decode_mask(mask_png)
            except ImageError:
                return None
            return found if found is not None and found.shape == (image.height_px, image.width_px) else None

        return lambda: read_marks(image, read_mask)

    def _checked(self, data: bytes | ObjectStoreError, image: ExportImage, *, is_mask: bool = False) -> bytes | None:
        """Return the bytes; None, and a word about it, where they are missing or not those that were stored."""
        if isinstance(data, ObjectStoreError):
            error = from_lower(data, name=image.name)
            if not isinstance(error, NotFound):
                raise error
            self._summary.left_out.append((image.name, "export_mask_missing" if is_mask else "export_object_missing"))
            return None
        if not is_mask and content_hash(data) != image.sha256:
            self._summary.left_out.append((image.name, "export_image_damaged"))
            return None
        return data

    def _count(self, entry: Entry) -> None:
        self._summary.n_bytes += entry.byte_size


def _layout(choice: ExportChoice, product: Product, types: list[ExportType]) -> Layout:
    if choice.format == "coco":
        return CocoLayout(types, notice=product.notice)
    if choice.format == "yolo":
        return YoloLayout(types)
    if choice.format == "voc":
        return VocLayout(types)
    if choice.format == "csv":
        return CsvLayout(product.code, types)
    return FolderLayout(product.code)
