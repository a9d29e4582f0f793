"""Chosen images as a ZIP file, made while it is sent: the files as they came, their masks, and a table of them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.errors import AppError, BadInput
from core.files.spreadsheet_cells import guard_cell
from core.files.zip_streams import ZipPieces
from core.images.gallery.search import load_images
from core.images.library import read_image, read_mask_png
from core.outgoing import counted, note_export
from core.transactions import reading
from storage.tables import DefectType, Product

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from storage.tables import Image

_AT_ONCE = 100
# So many numbers of images are named in the audit log; the count is of all.
_MOST_NOTED = 200
COLUMNS = (
    "file", "mask", "original_name", "product", "image_type", "defect_type", "split", "part", "view", "domain",
    "origin", "width_px", "height_px", "sha256",
)  # fmt: skip


def stream_images(services: Services, person: Person, image_ids: Sequence[int], *, language: str) -> Iterator[bytes]:
    """Return the pieces of a ZIP file of the images. One that cannot be read is named in `missing.txt` with the reason.

    `{train,val,test}/{good,<defect>}/` are its folders, `ground_truth/<defect>/` those of the masks. Images that are
    deleted meanwhile are left out. Raises NotAllowed, BadInput no_images_chosen at once.
    """
    require_role(services, person, ENGINEER)
    if not image_ids:
        raise BadInput("no_images_chosen")

    def note(_pieces: int, whole: bool) -> None:
        note_export(
            services,
            person,
            "images",
            form="zip",
            count=len(image_ids),
            images=list(image_ids[:_MOST_NOTED]),
            whole=whole,
        )

    return counted(_pieces(services, image_ids, language), note)


def _pieces(services: Services, image_ids: Sequence[int], language: str) -> Iterator[bytes]:
    out = ZipPieces()
    missing: list[str] = []
    table = io.StringIO()
    lines = csv.writer(table)
    lines.writerow(COLUMNS)
    # Stored and not deflated: images are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for start in range(0, len(image_ids), _AT_ONCE):
            images = load_images(services, image_ids[start : start + _AT_ONCE])
            codes, products = _names(services, images)
            for image in images:
                code = codes.get(image.defect_type_id or 0, "")
                try:
                    line = _add(services, archive, image, code)
                except AppError as error:
                    missing.append(f"{image.stored_name}: {error.sentence(language)}")
                else:
                    place = (image.split, image.part, image.view, image.domain, image.origin)
                    lines.writerow(
                        map(
                            guard_cell,
                            (
                                *line,
                                image.original_name,
                                products.get(image.product_id, ""),
                                image.image_type,
                                code,
                                *place,
                                image.width_px,
                                image.height_px,
                                image.content_sha256,
                            ),
                        )
                    )
                yield out.take()
        archive.writestr("images.csv", table.getvalue().encode("utf-8-sig"))
        if missing:
            archive.writestr("missing.txt", "\r\n".join(missing).encode("utf-8-sig"))
    yield out.take()


def _add(services: Services, archive: zipfile.ZipFile, image: Image, code: str) -> tuple[str, str]:
    """Add an image and its mask; return the names of both in the archive."""
    folder = code if image.image_type == "defect" else "good"
    data, mask = read_image(services, image), read_mask_png(services, image)
    name, mask_name = f"{image.split}/{folder}/{image.stored_name}", ""
    archive.writestr(name, data)
    if mask is not None:
        mask_name = f"ground_truth/{folder}/{image.stored_name.rpartition('.')[0]}_mask.png"
        archive.writestr(mask_name, mask)
    return name, mask_name


def _names(services: Services, images: Sequence[Image]) -> tuple[dict[int, str], dict[int, str]]:
    with reading(services) as session:
        kinds = {image.defect_type_id for image in images if image.defect_type_id is not None}
        products = {image.product_id for image in images}
        codes = session.exec(select(DefectType.id, DefectType.code).where(col(DefectType.id).in_(kinds))).all()
        names = session.exec(select(Product.id, Product.code).where(col(Product.id).in_(products))).all()
    return dict(codes), dict(names)
