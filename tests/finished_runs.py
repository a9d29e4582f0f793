"""Training runs that have ended, without a training: a tiny network, published as a run publishes its own."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import col, select

from core.access import Person
from core.datasets.freezing import create_dataset
from core.models.kinds import TRAINED_MODEL
from core.registry.publishing import publish_under
from core.services import Services
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trained_network.bundle import KIND, write_network
from storage.tables import DatasetVersion, ModelVersion, TrainingRun, utc_now
from tests.trained_networks import classifier_graph, describe

# Of the product of `compared_methods`: spots are bright, scratches dark, everything is gray.
LABELS = ("good", "scratch", "spot")
KERNEL = np.array([[0.0, 0.0, 0.0], [-100.0] * 3, [100.0] * 3], np.float32)
BIAS = np.array([2.8, 100 * 3 * 0.390, -100 * 3 * 0.390], np.float32)
FIGURES: dict[str, Any] = {
    "n": 8,
    "top1": 0.875,
    "macro_f1": 0.86,
    "per_class": {label: {"n": 3, "precision": 0.9, "recall": 0.8, "f1": 0.85} for label in LABELS},
    "per_domain": {"studio": {"n": 5, "top1": 1.0, "macro_f1": 1.0}, "field": {"n": 3, "top1": 0.6, "macro_f1": 0.5}},
}


def add_finished_run(
    services: Services,
    person: Person,
    product_id: int,
    *,
    name: str = "probe lite0 64px",
    dataset_id: int | None = None,
    noise: bool = False,
    with_version: bool = False,
    preprocessing: Preprocessing | None = None,
    finished: bool = True,
) -> TrainingRun:
    """Add a run of a product with its network; on a dataset version of all images where none is named."""
    if dataset_id is None:
        dataset_id = create_dataset(services, person, product_id).id
    description = describe(labels=LABELS, preprocessing=preprocessing)
    graph = classifier_graph(description, noise=noise, kernel=KERNEL, bias=BIAS)
    folder = Path(tempfile.mkdtemp())
    try:
        manifest = write_network(folder / "bundle", graph, description)
        published = publish_under(
            services,
            folder / "bundle",
            prefix=f"models/{TRAINED_MODEL}/{uuid.uuid4().hex}/",
            kind=KIND,
            manifest_sha256=manifest.sha256,
        )
    finally:
        shutil.rmtree(folder)
    stored: dict[str, Any] = {"object_prefix": published.object_prefix, "manifest_sha256": published.manifest_sha256}
    run = TrainingRun(
        product_id=product_id,
        dataset_version_id=dataset_id,
        name=name,
        task="classification",
        recipe="probe",
        config_hash=uuid.uuid4().hex,
        val=FIGURES,
        test=FIGURES,
        created_by=person.id,
        byte_size=published.byte_size,
        finished_at=utc_now() if finished else None,
        **(stored if finished else {}),
    )
    with services.database.unit_of_work() as session:
        if with_version:
            version = ModelVersion(
                kind=TRAINED_MODEL,
                scope=f"product:{product_id}",
                product_id=product_id,
                number=1,
                model_name="probe",
                fingerprint="0" * 64,
                **stored,
            )
            session.add(version)
            session.flush()
            run.model_version_id = version.id
        session.add(run)
        session.commit()
        session.refresh(run)
        session.expunge_all()
    return run


def find_dataset_ids(services: Services, product_id: int) -> list[int]:
    """Return the ids of a product's dataset versions, the oldest first."""
    with services.database.unit_of_work() as session:
        query = select(DatasetVersion.id).where(DatasetVersion.product_id == product_id)
        return list(session.exec(query.order_by(col(DatasetVersion.id))).all())
