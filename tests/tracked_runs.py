"""Rows of training runs as a worker leaves them behind, with what they said of every image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.services import Services
from core.training.configuration.records import ModelSection, RunConfiguration
from core.training.runs.records import ImageResult
from inference.vision.learning.recipes.settings import TrainingSettings
from storage.tables import DatasetVersion, Job, Product, RunEpoch, TrainingRun, utc_now

VAL = {"n": 4, "top1": 0.75, "macro_f1": 0.7, "per_class": {"crack": {"n": 2, "precision": 1.0, "f1": 0.6}}}
TEST = {
    "n": 4,
    "top1": 0.5,
    "macro_f1": 0.45,
    "per_class": {"crack": {"n": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5}, "good": {"n": 2, "f1": 0.4}},
    "labels": ["good", "crack"],
    "confusion": [[1, 1], [1, 1]],
}


@dataclass(frozen=True)
class PlateSet:
    """A product with a frozen set of images."""

    product_id: int
    dataset_id: int


def add_set(services: Services, *, code: str = "plate") -> PlateSet:
    """Add a product and a dataset version of it, without images."""
    with services.database.unit_of_work() as session:
        product = Product(code=code, name="판", name_en="Plate")
        session.add(product)
        session.commit()
        product_id = product.id
    return freeze_set(services, product_id)


def freeze_set(services: Services, product_id: int) -> PlateSet:
    """Add a dataset version to a product that is there."""
    with services.database.unit_of_work() as session:
        dataset = DatasetVersion(product_id=product_id, number=3, content_hash="c0ffee" * 10)
        session.add(dataset)
        session.commit()
        return PlateSet(product_id, dataset.id)


def configure(*, epochs: int = 3, seed: int = 0, recipe: str = "probe", experiment: str = "") -> RunConfiguration:
    """Return a configuration of a training of plates."""
    made = RunConfiguration(product="plate", seed=seed, experiment=experiment, model=ModelSection(recipe=recipe))
    return replace(made, training=TrainingSettings(epochs=epochs))


def add_run(
    services: Services,
    plates: PlateSet,
    configuration: RunConfiguration | None = None,
    *,
    name: str = "probe, 256 px",
    config_hash: str = "a1",
    state: str = "succeeded",
    epochs: Sequence[Mapping[str, float]] = (),
    val: Mapping[str, Any] = VAL,
    test: Mapping[str, Any] = TEST,
    result_key: str = "",
    person_id: int | None = None,
    task: str = "classification",
) -> int:
    """Add a run, its job in `state`, and its epochs with these figures of validation; returns its number."""
    wanted = configuration or configure()
    is_over = state in ("succeeded", "failed", "cancelled")
    with services.database.unit_of_work() as session:
        ended_at = utc_now() if is_over else None
        job = Job(kind="training", product_id=plates.product_id, state=state, finished_at=ended_at)
        session.add(job)
        session.flush()
        run = TrainingRun(
            product_id=plates.product_id,
            dataset_version_id=plates.dataset_id,
            job_id=job.id,
            name=name,
            experiment=wanted.experiment,
            task=task,
            recipe=wanted.model.recipe,
            seed=wanted.seed,
            configuration=wanted.to_json(),
            config_hash=config_hash,
            epochs_done=len(epochs),
            best_epoch=len(epochs) or None,
            val=dict(val) if state == "succeeded" else {},
            test=dict(test) if state == "succeeded" else {},
            result_key=result_key,
            created_by=person_id,
            train_s=12.5,
            finished_at=ended_at,
        )
        session.add(run)
        session.flush()
        for number, figures in enumerate(epochs, start=1):
            session.add(
                RunEpoch(
                    run_id=run.id,
                    epoch=number,
                    images_seen=10 * number,
                    train_loss=1.0 / number,
                    val_loss=1.5 / number,
                    learning_rate=0.01,
                    metrics=dict(figures),
                    seconds=0.5,
                )
            )
        session.commit()
        return run.id


def said_of(image_id: int, truth: str, named: str, *, split: str = "test", share: float = 0.9) -> ImageResult:
    """Return what a run said of an image, each a part of its own."""
    right = truth == named
    return ImageResult(
        image_id, split, f"part {image_id}", "studio", truth, named, right, float(right), probabilities={named: share}
    )


def keep_results(
    services: Services, run_id: int, images: Sequence[ImageResult], *, task: str = "classification"
) -> None:
    """Keep what a run said of images, as its worker does."""
    value = {
        "run": run_id, "task": task, "labels": ["good", "spot", "scratch"], "good_labels": ["good"], "threshold": 0.5,
        "images": [image.to_json() for image in images],
    }  # fmt: skip
    key = f"training/{run_id}/results.json"
    services.objects.put(key, json.dumps(value).encode())
    with services.database.unit_of_work() as session:
        session.get_one(TrainingRun, run_id).result_key = key
        session.commit()
