"""Training runs: start, estimate, watch, read their results, cancel, resume, put into use, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import Field

from core.access import ENGINEER, require_role
from core.api.context import Asked, Context, Id, OnceKey, PageNumber, PageSize
from core.api.files import FILE_SCHEMA, file_response
from core.api.repeats import answer_once
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.catalog.products import find_product
from core.errors import NotFound
from core.models.judgment_words import reason_sentence
from core.training.configuration.reading import read_configuration
from core.training.runs import control, overview, starting
from core.training.runs.records import ImageResult, RunHead, RunView
from core.training.runs.results import read_map, read_results

router = APIRouter(prefix="/training/runs", tags=["training"])

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Configuration = Annotated[
    dict[str, Any],
    Body(
        description="The configuration, as of `python -m core train`: product, task, data, model, input, augmentation, "
        "training, threshold, report, limits, seed.",
        examples=[{"product": "casting", "model": {"recipe": "probe"}, "report": {"goals": {"top1": 0.9}}}],
    ),
]
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {"schema": FILE_SCHEMA}}}}


class EstimateShape(Shape):
    """What a training is expected to take; `warnings` are sentences."""

    dataset_version: int
    labels: list[str]
    images: dict[str, int]
    epochs: int
    seconds: float
    memory_bytes: int
    measured: bool
    ignored: list[str]
    left_out: list[dict[str, Any]]
    warnings: list[str]


class GoalShape(Shape):
    """A goal of the configuration, and whether it was met; `found` is null where it cannot be told."""

    name: str
    wanted: float
    found: float | None
    met: bool
    split: str


class RunShape(Shape):
    """How a run stands. `val` and `test` are the figure of the task that it is judged by first, `figure`."""

    id: int
    name: str
    experiment: str
    product: str
    task: str
    recipe: str
    view: str
    seed: int
    dataset_version: int
    config_hash: str
    state: State
    stage: str
    remaining_s: float | None
    epochs_done: int
    epochs: int
    best_epoch: int | None
    figure: str
    val: float | None
    test: float | None
    goals: list[GoalShape]
    seconds: float
    bytes: int
    model_version: int | None
    model_state: Literal["candidate", "active", "retired"] | None
    can_resume: bool
    created_at: datetime
    finished_at: datetime | None
    error: FileError | None


class WholeRun(RunShape):
    """A run with its configuration and all figures; `reasons` speak against putting its model into use."""

    configuration: dict[str, Any]
    estimate: dict[str, Any]
    val_figures: dict[str, Any]
    test_figures: dict[str, Any]
    figures: dict[str, Any]
    stopped_for: str
    reasons: list[str]


class Runs(Shape):
    """Training runs, the newest first."""

    items: list[RunShape]


class EpochShape(Shape):
    """The figures of one epoch; `metrics` are those of validation."""

    epoch: int
    images_seen: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float | None
    metrics: dict[str, float]
    seconds: float


class Epochs(Shape):
    """The epochs of a run that are over."""

    items: list[EpochShape]


class ImageShape(Shape):
    """What the network said of one image; `map` is the address of its map, null without one."""

    image_id: int
    split: str
    part: str
    domain: str
    truth: str
    named: str
    right: bool
    quality: float
    score: float | None
    probabilities: dict[str, float]
    boxes: list[dict[str, Any]]
    map: str | None
    error: str | None


class Images(Shape):
    """One page of the validation and test images of a run."""

    labels: list[str]
    good_labels: list[str]
    threshold: float
    items: list[ImageShape]
    total: int


class Activation(Wanted):
    """Whether the model goes into use in spite of what speaks against it, and why."""

    override: bool = False
    reason: str = Field(default="", max_length=2000)


class Activated(Shape):
    """The version that is in use now."""

    run: int | None
    model_version: int
    version_id: int


@router.post("", status_code=202, response_model=RunShape, summary="Train a network")
def start_training(configuration: Configuration, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a training; a worker works it off."""
    require_role(asked.services, asked.person, ENGINEER)
    wanted = read_configuration(configuration)

    def make() -> RunShape:
        return _shape(asked, _head(asked, starting.start_run(asked.services, asked.person, wanted)))

    return answer_once(
        asked, once, configuration, make, status=202, location=lambda made: asked.address("training", "runs", made.id)
    )


@router.post("/estimate", summary="What a training would take")
def estimate_training(configuration: Configuration, asked: Asked) -> EstimateShape:
    """Time a few steps of a training, and say what it would take and what speaks against it. Nothing is started."""
    require_role(asked.services, asked.person, ENGINEER)
    found = starting.estimate_run(asked.services, asked.person, read_configuration(configuration))
    said = [one.to_app_error().sentence(asked.language) for one in found.warnings]
    return EstimateShape.model_validate({**found.to_json(), "warnings": said})


@router.get("", summary="Training runs")
def list_training_runs(
    asked: Asked,
    product: str = "",
    experiment: Annotated[str | None, Query(max_length=190)] = None,
    state: State | None = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Runs:
    """Return the newest runs, of a product (by its code), an experiment, a state, or all."""
    found = overview.list_runs(
        asked.services,
        asked.person,
        product_id=find_product(asked.services, product).id if product else None,
        experiment=experiment,
        states=() if state is None else (state,),
        limit=page_size,
        offset=(page - 1) * page_size,
    )
    return Runs(items=[_shape(asked, head) for head in found])


@router.get("/{run_id}", summary="One training run")
def get_training_run(run_id: Id, asked: Asked) -> WholeRun:
    """Return a run with its configuration and figures."""
    run = overview.read_run(asked.services, asked.person, run_id)
    return WholeRun.model_validate(
        {
            **_shape(asked, run.head, run).model_dump(),
            "configuration": run.configuration,
            "estimate": run.estimate,
            "val_figures": run.val,
            "test_figures": run.test,
            "figures": run.figures,
            "stopped_for": run.stopped_for,
            "reasons": [reason_sentence(reason, asked.language) for reason in run.reasons],
        }
    )


@router.get("/{run_id}/epochs", summary="The epochs of a training run")
def get_epochs(run_id: Id, asked: Asked) -> Epochs:
    """Return the epochs that are over, in their order."""
    found = overview.read_epochs(asked.services, asked.person, run_id)
    return Epochs(items=[EpochShape.model_validate(epoch.to_json()) for epoch in found])


@router.get("/{run_id}/results", summary="What the network said of each image")
def get_results(
    run_id: Id,
    asked: Asked,
    split: Literal["val", "test"] | None = None,
    wrong: Annotated[bool, Query(description="Only the images that it got wrong.")] = False,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Images:
    """Return one page of the validation and test images."""
    found = read_results(asked.services, asked.person, run_id)
    images = [one for one in found.images if split in (None, one.split) and not (wrong and one.right)]
    start = (page - 1) * page_size
    return Images(
        labels=list(found.labels),
        good_labels=list(found.good_labels),
        threshold=found.threshold,
        items=[_image(asked, run_id, one) for one in images[start : start + page_size]],
        total=len(images),
    )


@router.get(
    "/{run_id}/maps/{image_id}", responses=_PICTURE, response_class=Response, summary="The map of a failed example"
)
def get_map(run_id: Id, image_id: Id, asked: Asked) -> Response:
    """Return where the network saw what it named, as a gray PNG."""
    found = read_results(asked.services, asked.person, run_id)
    key = next((one.map_key for one in found.images if one.image_id == image_id and one.map_key), "")
    if not key:
        raise NotFound("not_found")
    data = read_map(asked.services, asked.person, key)
    return file_response(data, "image/png", file_name=f"run_{run_id}_image_{image_id}.png")


@router.post("/{run_id}/cancel", response_model=RunShape, summary="Cancel a training run")
def cancel_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel a run: what is trained stays."""

    def make() -> RunShape:
        control.cancel_run(asked.services, asked.person, run_id)
        return _shape(asked, _head(asked, run_id))

    return answer_once(asked, once, None, make, status=200)


@router.post("/{run_id}/resume", response_model=RunShape, summary="Go on with a training run")
def resume_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a run that failed or was canceled once more: it goes on after its last whole epoch."""

    def make() -> RunShape:
        control.resume_run(asked.services, asked.person, run_id)
        return _shape(asked, _head(asked, run_id))

    return answer_once(asked, once, None, make, status=200)


@router.post("/{run_id}/activate", response_model=Activated, summary="Put the model of a run into use")
def activate_training(run_id: Id, asked: Asked, wanted: Activation | None = None, once: OnceKey = None) -> Response:
    """Put the model of a run into use; where something speaks against it, only with `override`."""
    chosen = Activation() if wanted is None else wanted

    def make() -> Activated:
        version = control.activate_run(
            asked.services, asked.person, run_id, override=chosen.override, reason=chosen.reason
        )
        return Activated(run=run_id, model_version=version.number, version_id=version.id)

    return answer_once(asked, once, chosen.model_dump(), make, status=200)


@router.post("/{run_id}/roll-back", response_model=Activated, summary="Put the model before into use again")
def roll_back_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Put the model back into use that was before that of this run, which is in use now."""

    def make() -> Activated:
        version = control.roll_back(asked.services, asked.person, run_id)
        return Activated(run=version.sources.get("run_id"), model_version=version.number, version_id=version.id)

    return answer_once(asked, once, None, make, status=200)


@router.delete("/{run_id}", status_code=204, response_class=Response, summary="Delete a training run")
def delete_training(run_id: Id, asked: Asked) -> Response:
    """Delete a run with its network and results, for good; not one whose model is in use."""
    control.delete_run(asked.services, asked.person, run_id)
    return Response(status_code=204)


def _head(asked: Context, run_id: int) -> RunHead:
    return overview.read_head(asked.services, asked.person, run_id)


def _shape(asked: Context, head: RunHead, run: RunView | None = None) -> RunShape:
    job = None if run is None else run.job
    error = None if head.error is None else head.error.to_app_error()
    return RunShape.model_validate(
        {
            "id": head.id,
            "name": head.name,
            "experiment": head.experiment,
            "product": head.product.code,
            "task": head.task,
            "recipe": head.recipe,
            "view": head.view,
            "seed": head.seed,
            "dataset_version": head.dataset_number,
            "config_hash": head.config_hash,
            "state": head.state,
            "stage": "" if job is None or head.is_over else job.stage,
            "remaining_s": None if job is None else job.remaining_s,
            "epochs_done": head.epochs_done,
            "epochs": head.epochs,
            "best_epoch": head.best_epoch,
            "figure": head.figure,
            "val": head.val,
            "test": head.test,
            "goals": [goal.to_json() for goal in head.goals],
            "seconds": head.train_s,
            "bytes": head.byte_size,
            "model_version": head.version_number,
            "model_state": head.version_state or None,
            "can_resume": head.can_resume,
            "created_at": head.created_at,
            "finished_at": head.finished_at,
            "error": describe_error(error, asked.language),
        }
    )


def _image(asked: Context, run_id: int, one: ImageResult) -> ImageShape:
    where = asked.address("training", "runs", run_id, "maps", one.image_id) if one.map_key else None
    return ImageShape.model_validate({**one.to_json(), "map": where, "error": one.error or None})
