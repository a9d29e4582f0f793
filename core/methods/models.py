"""Trained methods: found again by what they were trained on and with, trained once, loaded from the object store."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import select

from core.errors import BadInput, Conflict, from_lower
from core.methods.records import (
    AskedSpec,
    MethodConfig,
    MethodSpec,
    MethodThresholds,
    Progress,
    TrainedSpec,
    TrainingSet,
)
from core.methods.registry import find_method
from core.registry.publishing import publish_under, unpublish
from core.transactions import reading, writing
from inference.errors import InferenceError
from storage.database import DatabaseError
from storage.object_store import ObjectStoreError
from storage.tables import MethodModel

if TYPE_CHECKING:
    from core.services import Services
    from inference.vision.comparison.predictions import Method


def prefix_of(dataset_version_id: int) -> str:
    """Return what the names of all bundles begin with that are trained on a dataset version."""
    return f"models/method/{dataset_version_id}-"


def hash_config(spec: MethodSpec, training: TrainingSet, config: MethodConfig) -> str:
    """Return the hash of all that decides about the model beside the images: method, revision, configuration, input.

    SHA-256 in hexadecimal digits.
    """
    described = [spec.name, spec.revision, config.to_json(), training.preprocessing.to_dict()]
    return hashlib.sha256(json.dumps(described, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def find_model(services: Services, training: TrainingSet, name: str, options: Mapping[str, Any]) -> MethodModel | None:
    """Return the row of the method trained on these images with these options; None where there is none yet.

    Raises NotFound(`method_name_unknown`), BadInput(`method_option_…`).
    """
    spec = find_method(name)
    return _find(services, training, hash_config(spec, training, spec.read_config(options)))


def train_method(
    services: Services,
    training: TrainingSet,
    name: str,
    options: Mapping[str, Any],
    *,
    progress: Progress,
    job_id: int | None = None,
    person_id: int | None = None,
) -> MethodModel:
    """Return the row of the method trained on these images: the one that is there, or a new one with its bundle.

    A training that was killed goes on where it was. `progress` may raise, and what it raises comes through. Raises
    NotFound(`method_name_unknown`), BadInput(`method_not_trained`, `method_option_…`), NotReady for what is missing on
    this machine or among the images and for what the engine refuses, Unavailable for a database or object store that is
    away.
    """
    spec = find_method(name)
    if not isinstance(spec, TrainedSpec):
        raise BadInput("method_not_trained", name=name)
    config = spec.read_config(options)
    config_hash = hash_config(spec, training, config)
    known = _find(services, training, config_hash)
    if known is not None:
        return known
    obstacle = spec.find_obstacle(services) or spec.find_data_obstacle(training)
    if obstacle is not None:
        raise obstacle
    scratch = scratch_folder(services, training, config_hash)
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        trained = spec.train(services, training, config, scratch=scratch, progress=progress)
        progress("publish", 0, 1)
        bundle = scratch / f"bundle-{uuid.uuid4().hex}"
        try:
            manifest = trained.method.save(bundle)
            prefix = f"{prefix_of(training.dataset_version_id)}{uuid.uuid4().hex}/"
            published = publish_under(services, bundle, prefix=prefix, kind=spec.kind, manifest_sha256=manifest.sha256)
        finally:
            shutil.rmtree(bundle, ignore_errors=True)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    row = MethodModel(
        dataset_version_id=training.dataset_version_id,
        product_id=training.product_id,
        view=training.view,
        method=spec.name,
        config=config.to_json(),
        config_hash=config_hash,
        object_prefix=published.object_prefix,
        manifest_sha256=published.manifest_sha256,
        byte_size=published.byte_size,
        thresholds={} if trained.thresholds is None else trained.thresholds.to_json(),
        figures=dict(trained.figures),
        job_id=job_id,
        created_by=person_id,
    )
    stored = _keep(services, training, row)
    shutil.rmtree(scratch, ignore_errors=True)
    progress("publish", 1, 1)
    return stored


def load_method(services: Services, model: MethodModel) -> Method:
    """Return the method of a row, loaded once in this process.

    Raises NotFound(`method_name_unknown`, `object_missing`), BadInput(`method_not_trained`), NotReady for a damaged
    bundle or a device that fails, Unavailable.
    """
    from inference.artifact import read_bundle

    spec = find_method(model.method)
    if not isinstance(spec, TrainedSpec):
        raise BadInput("method_not_trained", name=model.method)
    services.models.keep_graphs()
    try:
        return services.models.read_once(
            ("method", model.manifest_sha256),
            model,
            lambda folder: spec.load(
                services, read_bundle(folder, kind=spec.kind, manifest_sha256=model.manifest_sha256)
            ),
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error


def open_method(services: Services, training: TrainingSet, name: str, options: Mapping[str, Any]) -> Method:
    """Return a method that is not trained, ready to be asked about these images.

    Raises NotFound(`method_name_unknown`), BadInput(`method_needs_training`, `method_option_…`), and what its
    specification says is missing.
    """
    spec = find_method(name)
    if not isinstance(spec, AskedSpec):
        raise BadInput("method_needs_training", name=name)
    config = spec.read_config(options)
    obstacle = spec.find_obstacle(services) or spec.find_data_obstacle(training)
    if obstacle is not None:
        raise obstacle
    try:
        return spec.open(services, training, config)
    except InferenceError as error:
        raise from_lower(error) from error


def read_thresholds(model: MethodModel) -> MethodThresholds | None:
    """Return the thresholds of a row, None where validation gave none."""
    return MethodThresholds.from_json(model.thresholds)


def scratch_folder(services: Services, training: TrainingSet, config_hash: str) -> Path:
    """Return where a training keeps its checkpoints until it has ended: the same for every try at it."""
    name = f"{training.dataset_version_id}-{training.view}-{config_hash[:32]}"
    return services.settings.cache_dir / "method_training" / name


def _find(services: Services, training: TrainingSet, config_hash: str) -> MethodModel | None:
    with reading(services) as session:
        query = select(MethodModel).where(
            MethodModel.dataset_version_id == training.dataset_version_id,
            MethodModel.view == training.view,
            MethodModel.config_hash == config_hash,
        )
        return session.exec(query).first()


def _keep(services: Services, training: TrainingSet, row: MethodModel) -> MethodModel:
    """Store the row; where another process was faster, its row counts, and this bundle is removed."""
    prefix = row.object_prefix
    config_hash = row.config_hash
    try:
        with writing(services) as session:
            session.add(row)
            session.commit()
            session.refresh(row)
            session.expunge(row)
            return row
    except (Conflict, DatabaseError):
        known = _find(services, training, config_hash)
        if known is None or known.object_prefix == prefix:
            raise
    unpublish(services.objects, prefix)
    return known
