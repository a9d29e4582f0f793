"""Dataset versions: freeze, list, read, browse, fetch the manifest or the images, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from core.access import ENGINEER, require_role
from core.api.context import Asked, Id, OnceKey, PageNumber, PageSize
from core.api.files import FILE_SCHEMA, file_response
from core.api.repeats import answer_once
from core.api.routes.comparisons import Datasets, DatasetShape
from core.api.shapes import Shape, Wanted
from core.catalog.products import find_product, get_product
from core.datasets import browsing, reading
from core.datasets.exporting import CONTENT_TYPES, choose_images, make_manifest, name_manifest
from core.datasets.freezing import LONGEST_NAME, create_dataset
from core.datasets.records import HIGHEST_LEAST, HIGHEST_SEED, HIGHEST_SHARE, SplitRule
from core.files.file_names import attachment
from core.images.domains import Domain
from core.images.exports.making import start_export
from core.images.exports.records import ExportChoice
from core.images.exports.writing import stream_zip
from core.outgoing import note_export

router = APIRouter(prefix="/datasets", tags=["datasets"])

_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media_type: {"schema": FILE_SCHEMA} for media_type in CONTENT_TYPES.values()}}
}
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": FILE_SCHEMA}}, "description": "The ZIP file"}
}


class DatasetWanted(Wanted):
    """What to freeze: a product's images, split by part where they have no split of their own."""

    product: str = Field(max_length=64, description="The product's code.")
    name: str = Field(default="", max_length=LONGEST_NAME)
    val_share: float = Field(default=0.2, ge=0.0, le=HIGHEST_SHARE)
    test_share: float = Field(default=0.2, ge=0.0, le=HIGHEST_SHARE)
    seed: int = Field(default=0, ge=0, le=HIGHEST_SEED)
    least_images: int = Field(default=2, ge=1, le=HIGHEST_LEAST, description="Labels with fewer are named.")
    domains: list[Domain] = Field(default=[], max_length=3, description="Only images taken there; all without.")


class FrozenShape(Shape):
    """An image as it was frozen; `is_there` says whether it is still among the product's images."""

    image_id: int
    sha256: str
    image_type: str
    label: str
    part: str
    view: str
    domain: str
    split: str
    mask_sha256: str
    is_there: bool


class FrozenImages(Shape):
    """One page of the images of a version."""

    items: list[FrozenShape]
    total: int


@router.post("", response_model=DatasetShape, status_code=201, summary="Freeze a product's images")
def freeze_images(wanted: DatasetWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Make a dataset version; unchanged images with the same split give the one that there is."""
    product = find_product(asked.services, wanted.product)
    rule = SplitRule(wanted.val_share, wanted.test_share, wanted.seed, wanted.least_images, tuple(wanted.domains))

    def make() -> DatasetShape:
        head = create_dataset(asked.services, asked.person, product.id, name=wanted.name, rule=rule)
        return DatasetShape.model_validate(head.to_json())

    return answer_once(
        asked, once, wanted.model_dump(), make, status=201, location=lambda made: asked.address("datasets", made.id)
    )


@router.get("", summary="Dataset versions of a product")
def list_product_datasets(asked: Asked, product: Annotated[str, Query(max_length=64)]) -> Datasets:
    """Return the dataset versions of a product (by its code), the newest first."""
    require_role(asked.services, asked.person, ENGINEER)
    found = reading.list_datasets(asked.services, find_product(asked.services, product).id)
    return Datasets(items=[DatasetShape.model_validate(head.to_json()) for head in found])


@router.get("/{dataset_id}", summary="One dataset version")
def get_dataset_version(dataset_id: Id, asked: Asked) -> DatasetShape:
    """Return how a version was split, what is in it, and whether it is broken."""
    require_role(asked.services, asked.person, ENGINEER)
    return DatasetShape.model_validate(reading.read_head(asked.services, dataset_id).to_json())


@router.get("/{dataset_id}/images", summary="The images of a dataset version")
def list_frozen_images(
    dataset_id: Id,
    asked: Asked,
    split: Literal["train", "val", "test"] | None = None,
    label: Annotated[str, Query(max_length=64)] = "",
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> FrozenImages:
    """Return one page of the images of a version as they were frozen."""
    require_role(asked.services, asked.person, ENGINEER)
    head = reading.read_head(asked.services, dataset_id)
    found, total = browsing.list_images(
        asked.services, head.id, split=split or "", label=label, offset=(page - 1) * page_size, limit=page_size
    )
    return FrozenImages(
        items=[
            FrozenShape(
                image_id=one.frozen.image_id,
                sha256=one.frozen.content_sha256,
                image_type=one.frozen.image_type,
                label=one.frozen.label,
                part=one.frozen.part,
                view=one.frozen.view,
                domain=one.frozen.domain,
                split=one.frozen.split,
                mask_sha256=one.frozen.mask_sha256,
                is_there=bool(one.stored_name),
            )
            for one in found
        ],
        total=total,
    )


@router.get("/{dataset_id}/manifest", responses=_FILES, response_class=Response, summary="The manifest")
def get_dataset_manifest(
    dataset_id: Id,
    asked: Asked,
    format: Literal["json", "csv"] = "json",  # noqa: A002 - the name of the parameter
) -> Response:
    """Return every row of a version with its hashes."""
    data = make_manifest(asked.services, asked.person, dataset_id, format)
    note_export(
        asked.services, asked.person, "images", subject_type="dataset", subject_id=dataset_id, form=f"manifest.{format}"
    )
    head = reading.read_head(asked.services, dataset_id)
    code = get_product(asked.services, head.product_id).code
    return file_response(data, CONTENT_TYPES[format], file_name=name_manifest(code, head.number, format))


@router.get("/{dataset_id}/export", responses=_ZIP, response_class=Response, summary="Exactly its images as ZIP")
def export_dataset_version(
    dataset_id: Id,
    asked: Asked,
    format: Literal["folders", "coco", "yolo", "voc", "csv"] = "folders",  # noqa: A002 - the name of the parameter
) -> Response:
    """Send the images of a version, in the splits that they have there; refused for one that is broken."""
    choice = choose_images(asked.services, asked.person, dataset_id, ExportChoice(format))
    head = reading.read_head(asked.services, dataset_id)
    made = start_export(asked.services, asked.person, head.product_id, choice)
    pieces = stream_zip(made)
    first = next(pieces, b"")
    name = f"{made.product.code}_dataset_{head.number}_{format}.zip"
    headers = {"Cache-Control": "no-store", "Content-Disposition": attachment(name)}
    return StreamingResponse(_whole(first, pieces), media_type="application/zip", headers=headers)


def _whole(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
