"""What the REST interface says of training runs, and what it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from core.api.context import Context
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.training.runs.records import ImageResult, RunHead, RunView

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]


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


def shape_run(asked: Context, head: RunHead, run: RunView | None = None) -> RunShape:
    """Return a run as the interface says it; with the whole run also its stage and the time that is left."""
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


def shape_image(asked: Context, run_id: int, one: ImageResult) -> ImageShape:
    """Return what the network said of one image, with the address of its map."""
    where = asked.address("training", "runs", run_id, "maps", one.image_id) if one.map_key else None
    return ImageShape.model_validate({**one.to_json(), "map": where, "error": one.error or None})
