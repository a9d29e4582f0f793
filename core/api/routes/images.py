"""Curated images: list, upload, read, relabel, delete, count."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey, PageNumber, PageSize
from core.api.files import file_response, media_type_of
from core.api.repeats import answer_once
from core.api.routes.products import product_id_of
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.api.uploads import MULTIPART, Sent, read_form, run_upload
from core.catalog.products import find_product, list_products
from core.errors import BadInput, NotFound
from core.images import edits, library, uploads
from core.images.domains import DOMAINS, Domain
from core.images.records import BY_API, IncomingFile
from storage.tables import Image

router = APIRouter(prefix="/images", tags=["images"])

FILES_FIELD = "files"
MOST_FILES = 500
_FILE = {"type": "string", "format": "binary"}


class ImageShape(Shape):
    """A curated image. Send `row_version` back with a change."""

    id: int
    product_id: int
    image_type: Literal["normal", "defect"]
    defect_type_id: int | None
    split: Literal["train", "val", "test"]
    stored_name: str
    original_name: str
    content_sha256: str
    byte_size: int
    width_px: int
    height_px: int
    file_format: str
    notes: list[str]
    part: str
    view: str
    domain: Literal["", Domain] = Field(description="Where it was taken; empty: nobody said so.")
    has_mask: bool
    inspection_id: int | None = Field(description="The inspection that it came from, if it did.")
    created_at: datetime
    row_version: int


class Images(Shape):
    """One page of images, the newest first."""

    items: list[ImageShape]
    total: int
    page: int
    pages: int


class ImageOutcome(Shape):
    """What became of one file: added, duplicate or refused."""

    file: str
    outcome: Literal["added", "duplicate", "refused"]
    image_id: int | None
    stored_name: str | None
    duplicate_of: str | None
    notes: list[str]
    error: FileError | None


class ImageOutcomes(Shape):
    """What became of each file; a ZIP has one line for each of its entries."""

    outcomes: list[ImageOutcome]
    added: int
    refused: int


class Relabel(Wanted):
    """What the image shows and is used for; what is left out stays."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    image_type: Literal["normal", "defect"] | None = None
    defect_type_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    split: Literal["train", "val", "test"] | None = None
    view: str | None = Field(default=None, max_length=64, description="Code or name of the view; empty: none.")
    domain: Literal["", Domain] | None = None


class TypeCounts(Shape):
    """How many images one product has."""

    product: str
    normal_train: int
    normal_val: int
    normal_test: int
    defect_train: int
    defect_val: int
    defect_test: int


class ImageStatistics(Shape):
    """How many images each product has, by what they show and are used for."""

    items: list[TypeCounts]
    normal: int
    defect: int


@router.get("", summary="Images of a product")
def list_images(
    asked: Asked,
    product: Annotated[str, Query(max_length=64, description="The product's code.")],
    image_type: Literal["normal", "defect"] | None = None,
    defect_type_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    split: Literal["train", "val", "test"] | None = None,
    view: Annotated[str | None, Query(max_length=64, description="Code of the view; empty: without one.")] = None,
    domain: Literal["", Domain] | None = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Images:
    """Return one page of a product's images."""
    found = library.list_images(
        asked.services,
        find_product(asked.services, product).id,
        image_type=image_type,
        defect_type_id=defect_type_id,
        split=split,
        view=view,
        domain=domain,
        page=page,
        page_size=page_size,
    )
    return Images(items=[_shape(row) for row in found.rows], total=found.total, page=found.page, pages=found.n_pages)


@router.get("/statistics", summary="How many images there are")
def count_images(
    asked: Asked, product: Annotated[str | None, Query(max_length=64, description="The product's code.")] = None
) -> ImageStatistics:
    """Return the counts of images by product, type and split."""
    wanted = product_id_of(asked, product)
    found = [one for one in list_products(asked.services) if wanted in {None, one.product.id}]
    return ImageStatistics(
        items=[
            TypeCounts(
                product=one.product.code,
                normal_train=one.n_normal_train,
                normal_val=one.n_normal_val,
                normal_test=one.n_normal_test,
                defect_train=one.n_defect_train,
                defect_val=one.n_defect_val,
                defect_test=one.n_defect_test,
            )
            for one in found
        ],
        normal=sum(one.n_normal for one in found),
        defect=sum(one.n_defect for one in found),
    )


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": [FILES_FIELD, "product", "image_type"],
                    "properties": {
                        FILES_FIELD: {
                            "type": "array",
                            "items": _FILE,
                            "description": "Images, ZIP files of images, and masks (x_mask.png beside x).",
                        },
                        "product": {"type": "string", "description": "The product's code."},
                        "image_type": {"type": "string", "enum": ["normal", "defect"]},
                        "defect_type": {"type": "string", "description": "Code of the type, or good kind."},
                        "split": {"type": "string", "enum": ["train", "val", "test"], "default": "train"},
                        "view": {"type": "string", "description": "Code or name of the view that all show."},
                        "domain": {"type": "string", "enum": ["", *DOMAINS], "description": "Where all were taken."},
                        "part_rule": {"type": "string", "description": "Reads the part out of each file's name."},
                    },
                }
            }
        },
    }
}


@router.post("", response_model=ImageOutcomes, openapi_extra=_FORM, summary="Upload images")
async def upload_images(request: Request, asked: Asked, once: OnceKey = None) -> Response:
    """Take in images, ZIP files of images, and masks (512 MB in all); a refused file does not stop the others."""
    sent = await read_form(request, most_files=MOST_FILES)
    try:
        return await run_upload(_upload, asked, sent, once)
    finally:
        await sent.close()


@router.get("/{image_id}", summary="One image")
def get_image(image_id: Id, asked: Asked) -> ImageShape:
    """Return what is known of an image."""
    return _shape(library.get_image(asked.services, image_id))


_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": _FILE}}, "description": "The file"}
}
_PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {"schema": _FILE}}, "description": "The mask"}}
_WEBP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {"schema": _FILE}}, "description": "The picture"}
}


@router.get("/{image_id}/file", response_class=Response, responses=_BYTES, summary="The file as it was uploaded")
def get_image_file(image_id: Id, asked: Asked) -> Response:
    """Return the file, unchanged."""
    image = library.get_image(asked.services, image_id)
    data = library.read_image(asked.services, image)
    return file_response(data, media_type_of(image.stored_name), file_name=image.stored_name)


@router.get("/{image_id}/mask", response_class=Response, responses=_PNG, summary="The mask")
def get_mask(image_id: Id, asked: Asked) -> Response:
    """Return the mask of the defect: a gray PNG of 0 and 255."""
    mask = library.read_mask_png(asked.services, library.get_image(asked.services, image_id))
    if mask is None:
        raise NotFound("not_found")
    return file_response(mask, "image/png")


@router.get("/{image_id}/thumbnail", response_class=Response, responses=_WEBP, summary="A small picture")
def get_image_thumbnail(image_id: Id, asked: Asked) -> Response:
    """Return the image, small."""
    image = library.get_image(asked.services, image_id)
    data = library.read_thumbnails(asked.services, [image])[image.id]
    if data is None:
        raise NotFound("object_missing")
    return file_response(data, "image/webp")


@router.patch("/{image_id}", summary="Relabel an image")
def relabel_image(image_id: Id, change: Relabel, asked: Asked) -> ImageShape:
    """Change what an image shows, or what it is used for."""
    if change.defect_type_id is not None and change.image_type is None:
        raise BadInput("api_values_wrong", fields="image_type")
    edits.relabel_images(
        asked.services,
        asked.person,
        [image_id],
        image_type=change.image_type,
        defect_type_id=change.defect_type_id,
        split=change.split,
        view=change.view,
        domain=change.domain,
        row_versions={image_id: change.row_version},
    )
    return _shape(library.get_image(asked.services, image_id))


@router.delete("/{image_id}", status_code=204, response_class=Response, summary="Delete an image")
def delete_image(
    image_id: Id,
    asked: Asked,
    row_version: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Refused if it changed since.")] = None,
) -> Response:
    """Put an image into the trash for 30 days; inspections keep what they showed."""
    seen = None if row_version is None else {image_id: row_version}
    if not edits.delete_images(asked.services, asked.person, [image_id], row_versions=seen):
        raise NotFound("not_found")
    return Response(status_code=204)


def _upload(asked: Asked, sent: Sent, once: str | None) -> Response:
    files = sent.files_of(FILES_FIELD)
    if not files:
        raise BadInput("api_file_missing", field=FILES_FIELD)
    product = find_product(asked.services, sent.fields.get("product", ""))
    code = sent.fields.get("defect_type", "").strip()
    type_id = _type_id(asked, product.id, code) if code else None

    def make() -> ImageOutcomes:
        found = uploads.add_images(
            asked.services,
            asked.person,
            product_id=product.id,
            image_type=sent.fields.get("image_type", ""),
            defect_type_id=type_id,
            split=sent.fields.get("split", "train"),
            part_rule=sent.fields.get("part_rule", ""),
            view=sent.fields.get("view", ""),
            domain=sent.fields.get("domain", ""),
            files=[IncomingFile(file.name, file.read) for file in files],
            origin=BY_API,
        )
        outcomes = [
            ImageOutcome.model_validate(
                {
                    "file": one.name,
                    "outcome": one.outcome,
                    "image_id": one.image_id,
                    "stored_name": one.stored_name,
                    "duplicate_of": one.duplicate_of,
                    "notes": list(one.notes),
                    "error": describe_error(one.error, asked.language),
                }
            )
            for one in found
        ]
        return ImageOutcomes(
            outcomes=outcomes,
            added=sum(one.outcome == "added" for one in outcomes),
            refused=sum(one.outcome == "refused" for one in outcomes),
        )

    request = [sent.fields, [[file.name, file.digest()] for file in files]] if once is not None else None
    return answer_once(asked, once, request, make, status=200)


def _type_id(asked: Asked, product_id: int, code: str) -> int:
    from core.catalog.defect_types import list_defect_types

    known = list_defect_types(asked.services, product_id)
    found = next((row.id for row in known if row.code.lower() == code.lower()), None)
    if found is None:
        raise BadInput("defect_type_missing")
    return found


def _shape(row: Image) -> ImageShape:
    values = {name: getattr(row, name) for name in ImageShape.model_fields if name != "has_mask"}
    return ImageShape(**values, has_mask=row.mask_key is not None)
