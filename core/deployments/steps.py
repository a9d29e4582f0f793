"""The steps of a deployment that each kind of model supplies, and what they give to one another.

The pipeline calls them in order, part by part of a product's model: snapshot, build, evaluate, accept, save, describe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from sqlmodel import Session

from core.catalog.views import built_views, label_of
from core.deployments.acceptance import Acceptance, accept_by_policy
from core.errors import AppError
from core.jobs.outcomes import ProductOutcome
from core.jobs.progress import JobRun, StageShares
from core.models.cache import ModelCache
from core.models.figures import VersionFigures
from core.models.sources import VersionSources
from core.services import Services
from core.transactions import HasDatabase
from inference.build_cost import BuildCost
from storage.tables import ModelVersion, Product, ThresholdSetting

# The last stages are the same whatever is built. Shares were measured on the demo products.
LAST_STAGES: dict[str, tuple[float, float]] = {"verify": (0.93, 0.95), "publish": (0.95, 0.98), "activate": (0.98, 1.0)}


# --- what becomes of a part ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BuildPart:
    """A part to build: `fingerprint` is of what it is built from, `before` the version that it may replace."""

    part: str
    fingerprint: str
    before: ModelVersion | None


@dataclass(frozen=True)
class UnchangedPart:
    """A part whose version is up to date and stays in use."""

    part: str
    version: ModelVersion


@dataclass(frozen=True)
class RetiredPart:
    """A part whose version goes out of use: nothing is left to build it from."""

    part: str
    version: ModelVersion


PlannedPart = BuildPart | UnchangedPart | RetiredPart


@dataclass(frozen=True)
class Snapshot:
    """What a product's model is built from, as it was at one moment, and what becomes of each of its parts.

    A kind adds what its steps need. A part that has neither sources nor a version in use is not among `parts`. `view`
    is the code of the view that all of it is of, empty for a product without views.
    """

    product: Product
    parts: tuple[PlannedPart, ...]
    view: str = field(default="", kw_only=True)

    @property
    def label(self) -> str:
        """Return how the log of a job names the product, and the view that it is of."""
        return label_of(self.product.code, self.view)


@dataclass(frozen=True)
class Description:
    """What the row of a version tells: its sources and figures, its preprocessing as JSON, its first thresholds."""

    model_name: str
    sources: VersionSources
    figures: VersionFigures
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    threshold: ThresholdSetting | None = None


SnapshotT = TypeVar("SnapshotT", bound=Snapshot)
BuiltT = TypeVar("BuiltT")
MeasuredT = TypeVar("MeasuredT")


@dataclass(frozen=True)
class NewVersion(Generic[BuiltT, MeasuredT]):
    """A part that was built and published, and whether its version went into use."""

    part: str
    built: BuiltT
    measured: MeasuredT
    acceptance: Acceptance
    version: ModelVersion


PartResult = NewVersion[BuiltT, MeasuredT] | UnchangedPart | RetiredPart


# --- the steps -------------------------------------------------------------------------------------------------------


class ModelSteps(ABC, Generic[SnapshotT, BuiltT, MeasuredT]):
    """How models of one kind are built. One object serves all products and jobs: it has no state.

    `cost` is that of the standard model, `stages` where each stage begins and ends within a product's work. A new
    version of a kind in `follows` changes what this kind is built from. Inspection does without an `optional` kind. A
    kind that is built `by_view` has a model for each view of a product that has any: then `view` is the code of one.
    """

    kind: ClassVar[str]
    cost: ClassVar[BuildCost]
    stages: ClassVar[StageShares]
    follows: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[bool] = False
    by_view: ClassVar[bool] = True

    # Before the start.

    @abstractmethod
    def find_obstacle(self, session: Session, product: Product, view: str = "") -> AppError | None:
        """Return why this product, or this view of it, cannot be built, or None."""

    @abstractmethod
    def count_sources(self, session: Session, product_id: int, view: str = "") -> int:
        """Return how many images of the product, or pages of its manuals, a build goes through."""

    def count_looks(self, session: Session, product_id: int, view: str = "") -> int:
        """Return how many pictures the network looks at in a whole build."""
        return self.count_sources(session, product_id, view)

    def cost_of_choice(self, session: Session, product_id: int, view: str = "") -> BuildCost:
        """Return what a build costs with the model that is chosen now."""
        return self.cost

    def expected_s(self, session: Session, product_id: int, view: str = "") -> float:
        """Return the seconds of one build at the standard pace."""
        cost = self.cost_of_choice(session, product_id, view)
        return cost.product_s + cost.image_s * self.count_looks(session, product_id, view)

    def list_views(self, session: Session, product_id: int) -> tuple[str, ...]:
        """Return the codes of the views that a deployment builds one after the other; one empty code without views."""
        return built_views(session, product_id) if self.by_view else ("",)

    # In the order of the pipeline.

    @abstractmethod
    def snapshot(self, services: Services, session: Session, product: Product, view: str = "") -> SnapshotT:
        """Return what the product's model is to be built from. Raises NotReady where there is nothing."""

    @abstractmethod
    def build(self, run: JobRun, snapshot: SnapshotT, plan: BuildPart, earlier: Mapping[str, BuiltT]) -> BuiltT:
        """Build one part; `earlier` are the parts that this job built of the product before, by name.

        Raises NotReady where nothing can be used, JobLost, JobCancelled, and the errors of engine and object store.
        """

    @abstractmethod
    def evaluate(self, run: JobRun, snapshot: SnapshotT, plan: BuildPart, built: BuiltT) -> MeasuredT:
        """Measure the part on the product's test images. Raises as `build`."""

    def accept(
        self, run: JobRun, snapshot: SnapshotT, plan: BuildPart, measured: MeasuredT, built: BuiltT
    ) -> Acceptance:
        """Return whether the part goes into use by itself. Raises as `build`.

        What holds just what there is now is never worse for being newer: only the policy can hold it back.
        """
        return accept_by_policy(run.services, plan.before)

    @abstractmethod
    def save(self, run: JobRun, snapshot: SnapshotT, built: BuiltT, folder: Path) -> str:
        """Write the bundle into `folder`, which is not there yet; return the SHA-256 of its manifest."""

    @abstractmethod
    def describe(self, snapshot: SnapshotT, plan: BuildPart, built: BuiltT, measured: MeasuredT) -> Description:
        """Return what the row of the new version tells."""

    def note_added(
        self, session: Session, snapshot: SnapshotT, built: BuiltT, measured: MeasuredT, version: ModelVersion
    ) -> None:
        """Store what else a build has found, in the transaction that adds its version, which has its id by now."""

    def note_activation(self, run: JobRun, version: ModelVersion, product: Product) -> None:
        """Log what the activation of the new version means for the product's other models."""

    def has_sources(self, session: Session, product_id: int) -> bool:
        """Return whether what a version that has just become active was built from is still there."""
        return True

    @abstractmethod
    def open(self, models: ModelCache, version: ModelVersion) -> None:
        """Load a version and what an inspection needs beside it. Raises ArtifactError, ModelError, ObjectStoreError."""

    def clean_up(self, services: HasDatabase) -> None:
        """Delete what the builds of this kind have stored beside the versions and need no more."""

    @abstractmethod
    def conclude(
        self, run: JobRun, snapshot: SnapshotT, results: Sequence[PartResult[BuiltT, MeasuredT]]
    ) -> ProductOutcome:
        """Return the outcome of the product from what became of each of its parts."""
