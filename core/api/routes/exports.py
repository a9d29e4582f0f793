"""Exports: a product's images with labels, regions and masks as one ZIP file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from core.api.context import Asked, Id
from core.api.files import FILE_SCHEMA
from core.files.file_names import attachment
from core.images.exports.making import start_export
from core.images.exports.records import ExportChoice
from core.images.exports.writing import stream_zip

router = APIRouter(prefix="/products", tags=["products"])

_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": FILE_SCHEMA}}, "description": "The ZIP file"}
}


@router.get(
    "/{product_id}/export",
    response_class=Response,
    responses=_ZIP,
    summary="The images of a product as ZIP",
)
def export_product(
    product_id: Id,
    asked: Asked,
    format: Literal["folders", "coco", "yolo", "voc", "csv"] = "folders",  # noqa: A002 - the name of the parameter
    split: Annotated[
        list[Literal["train", "val", "test"]] | None, Query(max_length=3, description="Only these; all without.")
    ] = None,
    image_type: Literal["normal", "defect"] | None = None,
) -> Response:
    """Send the images as they were uploaded, with labels, regions, masks and a manifest of hashes, while it is made.

    For quality engineers. A failure half-way ends the file before its directory.
    """
    choice = ExportChoice(format, tuple(split or ()), image_type or "")
    made = start_export(asked.services, asked.person, product_id, choice)
    pieces = stream_zip(made)
    first = next(pieces, b"")
    name = f"{made.product.code}_{format}.zip"
    headers = {"Cache-Control": "no-store", "Content-Disposition": attachment(name)}
    return StreamingResponse(_whole(first, pieces), media_type="application/zip", headers=headers)


def _whole(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
