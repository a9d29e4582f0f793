"""Training runs as values: how they stand, their epochs, what they said of each image, what one is expected to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.catalog.names import ProductName
from core.jobs.stored_error import StoredError
from core.jobs.views import JobView
from core.models.judgments import HoldReason
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES
from storage.json_fields import read_float, read_int, read_object, read_objects, read_text
from storage.tables import RunEpoch

# Why a run ended before its last epoch.
TIME_LIMIT = "time_limit"
# How many workers may be lost over a run: it goes on at its last epoch.
MAX_ATTEMPTS = 10
# Behind every other job.
PRIORITY = 200


@dataclass(frozen=True)
class GoalOutcome:
    """A goal: what was wanted at least, what was found (None: it cannot be told), and on the images of which split."""

    name: str
    wanted: float
    found: float | None
    split: str

    @property
    def met(self) -> bool:
        """Return whether it was reached."""
        return self.found is not None and self.found >= self.wanted

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as rows and the command line have them."""
        return {"name": self.name, "wanted": self.wanted, "found": self.found, "met": self.met, "split": self.split}

    @classmethod
    def from_json(cls, value: object) -> GoalOutcome:
        """Return the goal in a row's list."""
        data = read_object(value)
        return cls(
            read_text(data.get("name")) or "",
            read_float(data.get("wanted")) or 0.0,
            read_float(data.get("found")),
            read_text(data.get("split")) or "",
        )


@dataclass(frozen=True)
class RunEstimate:
    """What a run is expected to take, and what a person should know before it starts.

    `images` are counts by split, `left_out` labels that are not learned, `ignored` settings that the recipe does not
    use, `warnings` codes of sentences with what stands in them. `measured` says whether a few steps were timed.
    """

    dataset_id: int
    dataset_number: int
    labels: tuple[str, ...]
    images: Mapping[str, int]
    epochs: int
    seconds: float
    memory_bytes: int
    measured: bool
    ignored: tuple[str, ...] = ()
    left_out: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[StoredError, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as rows, the command line and the REST interface have them."""
        return {
            "dataset_id": self.dataset_id,
            "dataset_version": self.dataset_number,
            "labels": list(self.labels),
            "images": dict(self.images),
            "epochs": self.epochs,
            "seconds": self.seconds,
            "memory_bytes": self.memory_bytes,
            "measured": self.measured,
            "ignored": list(self.ignored),
            "left_out": [dict(one) for one in self.left_out],
            "warnings": [{"code": one.code, "params": dict(one.params)} for one in self.warnings],
        }


@dataclass(frozen=True)
class RunHead:
    """A run as a list shows it. `val` and `test` are the task's primary figure, None before they are known.

    `state` is that of its job: queued, running, succeeded, failed, cancelled. `version_state` is candidate, active or
    retired, empty without a version.
    """

    id: int
    name: str
    experiment: str
    product: ProductName
    task: str
    recipe: str
    view: str
    seed: int
    dataset_id: int
    dataset_number: int
    config_hash: str
    state: str
    epochs_done: int
    epochs: int
    best_epoch: int | None
    val: float | None
    test: float | None
    goals: tuple[GoalOutcome, ...]
    train_s: float
    byte_size: int
    model_version_id: int | None
    version_number: int | None
    version_state: str
    created_at: datetime
    created_by_name: str
    finished_at: datetime | None
    error: StoredError | None
    job_id: int | None
    row_version: int

    @property
    def figure(self) -> str:
        """Return the name of the figure that it is judged by first."""
        return PRIMARY_FIGURES.get(self.task, "")

    @property
    def goals_met(self) -> bool | None:
        """Return whether all goals are met; None where there are none, or nothing is known yet."""
        return all(goal.met for goal in self.goals) if self.goals else None

    @property
    def is_over(self) -> bool:
        """Return whether nothing happens any more by itself."""
        return self.state not in ("queued", "running")

    @property
    def can_resume(self) -> bool:
        """Return whether a person may let it go on where it stopped."""
        return self.state in ("failed", "cancelled")


@dataclass(frozen=True)
class RunView:
    """A run with all that its row holds. `reasons` stand against putting its model into use."""

    head: RunHead
    configuration: Mapping[str, Any]
    job: JobView | None
    estimate: Mapping[str, Any]
    val: Mapping[str, Any]
    test: Mapping[str, Any]
    figures: Mapping[str, Any]
    stopped_for: str
    reasons: tuple[HoldReason, ...]
    object_prefix: str = field(repr=False)
    manifest_sha256: str = field(repr=False)
    last_checkpoint_key: str = field(repr=False)
    result_key: str = field(repr=False)


@dataclass(frozen=True)
class EpochRow:
    """The figures of one epoch; `metrics` are those of validation by name."""

    epoch: int
    images_seen: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float | None
    metrics: Mapping[str, float]
    seconds: float
    created_at: datetime

    @classmethod
    def from_row(cls, row: RunEpoch) -> EpochRow:
        """Return the figures of a row."""
        metrics = {name: value for name, found in row.metrics.items() if (value := read_float(found)) is not None}
        return cls(
            row.epoch,
            row.images_seen,
            row.train_loss,
            row.val_loss,
            row.learning_rate,
            metrics,
            row.seconds,
            row.created_at,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the REST interface has them."""
        return {
            "epoch": self.epoch,
            "images_seen": self.images_seen,
            "train_loss": self.train_loss,
            "val_loss": self.val_loss,
            "learning_rate": self.learning_rate,
            "metrics": dict(self.metrics),
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class ImageResult:
    """What the trained network said of one validation or test image.

    `named` is the label that it names (empty where it could not be asked: `error` says why), `probabilities` the
    likeliest labels, `score` how sure it is of a defect, `boxes` in pixels of the original, `quality` from 0 to 1 how
    right it was: 0 or 1 for a label, a share where places are learned. `map_key` is the object of its map.
    """

    image_id: int
    split: str
    part: str
    domain: str
    truth: str
    named: str
    right: bool
    quality: float
    score: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[Mapping[str, Any], ...] = ()
    map_key: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the file of results has them."""
        return {
            "image_id": self.image_id,
            "split": self.split,
            "part": self.part,
            "domain": self.domain,
            "truth": self.truth,
            "named": self.named,
            "right": self.right,
            "quality": round(self.quality, 6),
            "score": None if self.score is None else round(self.score, 6),
            "probabilities": {label: round(share, 6) for label, share in self.probabilities.items()},
            "boxes": [dict(box) for box in self.boxes],
            "map_key": self.map_key,
            "error": self.error,
        }

    @classmethod
    def from_json(cls, value: object) -> ImageResult:
        """Return what the file says of one image."""
        data = read_object(value)
        shares = {label: read_float(share) for label, share in read_object(data.get("probabilities")).items()}
        return cls(
            image_id=read_int(data.get("image_id")) or 0,
            split=read_text(data.get("split")) or "",
            part=read_text(data.get("part")) or "",
            domain=read_text(data.get("domain")) or "",
            truth=read_text(data.get("truth")) or "",
            named=read_text(data.get("named")) or "",
            right=data.get("right") is True,
            quality=read_float(data.get("quality")) or 0.0,
            score=read_float(data.get("score")),
            probabilities={label: share for label, share in shares.items() if share is not None},
            boxes=tuple(read_objects(data.get("boxes"))),
            map_key=read_text(data.get("map_key")) or "",
            error=read_text(data.get("error")) or "",
        )


@dataclass(frozen=True)
class RunResults:
    """What a run's network said of every validation and test image, in the order of their numbers."""

    run_id: int
    task: str
    labels: tuple[str, ...]
    good_labels: tuple[str, ...]
    threshold: float
    images: tuple[ImageResult, ...] = field(repr=False)

    def of(self, split: str) -> tuple[ImageResult, ...]:
        """Return those of one split."""
        return tuple(image for image in self.images if image.split == split)
