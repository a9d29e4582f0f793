"""Trained networks: which there are, what one says of an image, and their export."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from core.access import WORKER, require_role
from core.api.context import Asked, Context
from core.api.files import ENDINGS, FILE_SCHEMA, IMAGE_TYPES
from core.api.shapes import Shape, Wanted
from core.api.uploads import (
    MULTIPART,
    Sent,
    check_image_size,
    content_type_of,
    read_form,
    read_raw,
    require_file,
    run_upload,
)
from core.catalog.products import find_product
from core.errors import BadInput
from core.files.file_names import attachment
from core.model_exports.asking import NetworkPrediction, ask_network
from core.model_exports.making import ModelExport, make_export
from core.model_exports.sources import NetworkSource, list_sources

router = APIRouter(prefix="/trained-models", tags=["trained models"])

IMAGE_FIELD = "image"
Reference = Annotated[
    str, Path(max_length=40, description="The id of a trained model version, or `run:12`.", examples=["run:12"])
]
Format = Literal["onnx", "openvino"]
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": FILE_SCHEMA}}, "description": "The ZIP file"}
}


class TrainedModelShape(Shape):
    """A trained network. `version_state` is candidate, active or retired; empty while it is no version."""

    model: str = Field(description="What it is asked by: `run:12`, or the id of a version.")
    name: str
    product: str
    view: str
    task: str
    recipe: str
    run: int | None
    version: int | None
    version_state: str
    dataset_version: int
    test: dict[str, Any] = Field(description="The figures on its test images.")
    finished_at: datetime | None


class PlaceShape(Shape):
    """A place in the image, in its pixels, with the label that the network names."""

    x: float
    y: float
    width: float
    height: float
    score: float
    label: str


class ClassShape(Shape):
    """A label of the network with its names."""

    label: str
    name_ko: str
    name_en: str
    is_good: bool


class PredictionShape(Shape):
    """What a network says of an image: it decides nothing, and nothing is stored."""

    model: str
    name: str
    product: str
    named: str = Field(description="The likeliest label; empty where nothing was found.")
    is_defect: bool = Field(description="By the network's own threshold.")
    score: float
    threshold: float
    probabilities: dict[str, float]
    boxes: list[PlaceShape]
    classes: list[ClassShape]
    width_px: int
    height_px: int
    ms: float


class ExportWanted(Wanted):
    """In which format."""

    format: Format = "onnx"


class ExportShape(Shape):
    """An export that was made and proved; `url` gives its ZIP file."""

    model: str
    name: str
    format: Format
    file_name: str
    byte_size: int
    sha256: str
    files: dict[str, int]
    parity: dict[str, Any]
    url: str


@router.get("", summary="Trained networks that can be asked")
def list_trained_models(
    asked: Asked,
    product: Annotated[str | None, Query(max_length=64, description="Only those of the product of this code.")] = None,
) -> list[TrainedModelShape]:
    """Return all finished runs with their versions, the newest first."""
    require_role(asked.services, asked.person, WORKER)
    product_id = None if product is None else find_product(asked.services, product).id
    return [_model(source) for source in list_sources(asked.services, product_id=product_id)]


@router.post(
    "/{model}/predict",
    summary="Ask a trained network about an image",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                MULTIPART: {
                    "schema": {"type": "object", "required": [IMAGE_FIELD], "properties": {IMAGE_FIELD: FILE_SCHEMA}}
                },
                **{kind: {"schema": FILE_SCHEMA} for kind in IMAGE_TYPES},
            },
        }
    },
)
async def predict_by_trained_model(
    model: Reference,
    request: Request,
    asked: Asked,
    file_name: Annotated[str | None, Query(max_length=255, description="For a raw body.")] = None,
) -> PredictionShape:
    """Ask a finished run, or a version of it, about one image: a form with the field `image`, or the image itself."""
    sent = await _read_one(request, file_name)
    try:
        file = require_file(sent, IMAGE_FIELD)
        if (too_large := check_image_size(file)) is not None:
            raise too_large
        found = await run_upload(
            ask_network, asked.services, asked.person, model, file.read, file_name=file.name or IMAGE_FIELD
        )
    finally:
        await sent.close()
    return _prediction(found)


@router.post("/{model}/exports", status_code=201, summary="Export a trained network")
async def export_trained_model(model: Reference, wanted: ExportWanted, asked: Asked) -> ExportShape:
    """Prove and write the export, or find the one that was made before. For quality engineers."""
    made = await run_in_threadpool(make_export, asked.services, asked.person, model, wanted.format)
    return _export(asked, made)


@router.get("/{model}/exports/{format}", response_class=StreamingResponse, responses=_ZIP, summary="An export as ZIP")
def download_trained_model(model: Reference, format: Format, asked: Asked) -> StreamingResponse:  # noqa: A002 - of the address
    """Send the export, which is made now where nobody has asked for it before. For quality engineers."""
    made = make_export(asked.services, asked.person, model, format)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": attachment(made.file_name),
        "Content-Length": str(made.byte_size),
    }
    return StreamingResponse(made.read_pieces(), media_type="application/zip", headers=headers)


async def _read_one(request: Request, file_name: str | None) -> Sent:
    kind = content_type_of(request)
    if kind == MULTIPART:
        return await read_form(request, most_files=2)
    if kind not in IMAGE_TYPES:
        raise BadInput("api_media_type")
    return await read_raw(request, name=file_name or f"image{ENDINGS.get(kind, '')}", field_name=IMAGE_FIELD)


def _model(source: NetworkSource) -> TrainedModelShape:
    run, version = source.run, source.version
    return TrainedModelShape(
        model=source.reference,
        name=source.name,
        product=source.product.code,
        view=run.view if run is not None else version.view if version is not None else "",
        task=run.task if run is not None else "",
        recipe=run.recipe if run is not None else "",
        run=None if run is None else run.id,
        version=None if version is None else version.id,
        version_state="" if version is None else version.state,
        dataset_version=source.dataset_number,
        test={} if run is None else dict(run.test),
        finished_at=None if run is None else run.finished_at,
    )


def _prediction(found: NetworkPrediction) -> PredictionShape:
    said = found.prediction
    return PredictionShape(
        model=found.source.reference,
        name=found.source.name,
        product=found.source.product.code,
        named=found.named,
        is_defect=found.is_defect,
        score=said.score or 0.0,
        threshold=found.threshold,
        probabilities=dict(said.class_probabilities),
        boxes=[PlaceShape(**box.to_json()) for box in said.boxes],
        classes=[ClassShape(**one.to_json()) for one in found.classes],
        width_px=found.image_size_px[0],
        height_px=found.image_size_px[1],
        ms=found.ms,
    )


def _export(asked: Context, made: ModelExport) -> ExportShape:
    url = asked.address("trained-models", made.reference, "exports", made.format)
    return ExportShape(**made.to_json(), url=url)
