"""Which trained network is meant: a training run that has ended, or a version of it, by number."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.errors import NotFound, NotReady
from core.methods.trained_networks import has_network
from core.models.kinds import TRAINED_MODEL
from core.transactions import HasDatabase, reading
from storage.tables import DatasetVersion, ModelVersion, Product, TrainingRun

if TYPE_CHECKING:
    from core.models.cache import StoredBundle

_RUN = re.compile(r"run:([1-9][0-9]{0,17})")
_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_LONGEST = 40


@dataclass(frozen=True)
class NetworkSource:
    """A stored network with what it came from. `version` is None for a run whose network is no version yet.

    `dataset_number` is that of the product's dataset version that it was trained on, 0 where that is not known.
    """

    product: Product = field(repr=False)
    run: TrainingRun | None = field(repr=False)
    version: ModelVersion | None = field(repr=False)
    dataset_number: int = 0
    dataset_hash: str = ""

    @property
    def reference(self) -> str:
        """Return how it is named: `run:12`, or the number of a version."""
        if self.run is not None:
            return f"run:{self.run.id}"
        assert self.version is not None
        return str(self.version.id)

    @property
    def name(self) -> str:
        """Return what people call it."""
        if self.run is not None and self.run.name:
            return self.run.name
        return self.reference

    @property
    def stored(self) -> StoredBundle:
        """Return the row that says where the network is stored."""
        if self.version is not None and self.version.object_prefix:
            return self.version
        assert self.run is not None
        return self.run


def find_source(services: HasDatabase, reference: str) -> NetworkSource:
    """Return the network that is meant by `7` (a version of kind trained_model) or `run:12`.

    Raises NotFound(`trained_version_unknown`, `trained_run_unknown`), NotReady(`trained_run_unfinished`).
    """
    text = reference.strip()
    with reading(services) as session:
        if (found := _RUN.fullmatch(text)) is not None:
            run = session.get(TrainingRun, int(found[1]))
            if run is None:
                raise NotFound("trained_run_unknown", number=int(found[1]))
            if not has_network(run):
                raise NotReady("trained_run_unfinished", number=run.id, name=run.name)
            version = session.get(ModelVersion, run.model_version_id) if run.model_version_id is not None else None
        else:
            version = session.get(ModelVersion, int(text)) if _VERSION.fullmatch(text) else None
            if version is None or version.kind != TRAINED_MODEL:
                raise NotFound("trained_version_unknown", name=text[:_LONGEST])
            run = session.exec(select(TrainingRun).where(TrainingRun.model_version_id == version.id)).first()
            if not version.object_prefix and (run is None or not has_network(run)):
                raise NotFound("trained_version_unknown", name=text[:_LONGEST])
        found_source = _describe(session, run, version)
        session.expunge_all()
    return found_source


def list_sources(services: HasDatabase, *, product_id: int | None = None) -> list[NetworkSource]:
    """Return all networks that can be asked, the newest run first."""
    query = select(TrainingRun).where(col(TrainingRun.finished_at).is_not(None), TrainingRun.object_prefix != "")
    if product_id is not None:
        query = query.where(TrainingRun.product_id == product_id)
    with reading(services) as session:
        runs = session.exec(query.order_by(col(TrainingRun.id).desc())).all()
        found = []
        for run in runs:
            version = session.get(ModelVersion, run.model_version_id) if run.model_version_id is not None else None
            found.append(_describe(session, run, version))
        session.expunge_all()
    return found


def _describe(session: Session, run: TrainingRun | None, version: ModelVersion | None) -> NetworkSource:
    product_id = run.product_id if run is not None else version.product_id if version is not None else None
    product = session.get(Product, product_id) if product_id is not None else None
    if product is None:
        raise NotFound("not_found")
    dataset = session.get(DatasetVersion, run.dataset_version_id) if run is not None else None
    return NetworkSource(
        product,
        run,
        version,
        0 if dataset is None else dataset.number,
        "" if dataset is None else dataset.content_hash,
    )
