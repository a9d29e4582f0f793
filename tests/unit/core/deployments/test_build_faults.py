"""A build that loses its device or its memory half-way says so, and the active model goes on inspecting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.accounts.people import open_person
from core.deployments import pipeline
from core.errors import AppError, from_lower
from core.inspections import inspection
from core.jobs import claims
from core.jobs.outages import OUTAGE_ATTEMPTS
from core.jobs.views import view
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.services import Services
from core.worker.supervisor import run_claimed_job
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.features import feature_extraction
from inference.vision.networks.runtime import OpenVinoRuntime
from storage.local_objects import LocalObjects
from storage.object_store import ObjectStoreError
from storage.tables import Product
from tests.plates import encode, plate, submit_and_claim


def _build_again(services: Services, product: Product) -> AppError | None:
    _, claim = submit_and_claim(services, open_person(services, "engineer"), MEMORY_BANK, product.id)
    error = pipeline.work_off(services, claim)
    claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return error


def _state(services: Services, product: Product) -> tuple[int | None, float, set[str]]:
    """The active version, what it says of a part, and the objects of all models."""
    with services.database.reading() as session:
        version = active_version(session, MEMORY_BANK, product.id)
    assert version is not None
    found = inspection.examine(services, product_id=product.id, data=encode(plate(7, "spot")), file_name="a.png")
    return version.id, found.detection.score, {info.key for info in services.objects.list("models/")}


def _lose_device(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = OpenVinoRuntime.features, [0]

    def features(self: OpenVinoRuntime[Any], batch: np.ndarray) -> list[np.ndarray]:
        calls[0] += 1
        if calls[0] > 1:
            raise ModelError("device_failed", device="cpu", detail="lost")
        return real(self, batch)

    monkeypatch.setattr(OpenVinoRuntime, "features", features)


def _run_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def select(*_args: object, **_options: object) -> object:
        raise MemoryError

    monkeypatch.setattr(feature_extraction, "compute_patches", select)


@pytest.mark.parametrize(("break_it", "code"), [(_lose_device, "device_failed"), (_run_out_of_memory, "out_of_memory")])
def test_a_fault_half_way_is_named_and_the_active_model_is_untouched(
    break_it: Callable[[pytest.MonkeyPatch], None],
    code: str,
    plate_services: Services,
    plate_product: Product,
) -> None:
    before = _state(plate_services, plate_product)
    with pytest.MonkeyPatch.context() as patch:
        break_it(patch)
        error = _build_again(plate_services, plate_product)
    assert error is not None
    assert error.code == code
    for language in ("en", "ko"):
        assert error.sentence(language) != code
    after = _state(plate_services, plate_product)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] == pytest.approx(before[1], rel=1e-5)


def _lose_store(patch: pytest.MonkeyPatch, *, times: int) -> None:
    """Let the store not answer where the new version is written, so many times."""
    real, left = LocalObjects.put_file, [times]

    def put_file(self: LocalObjects, *given: Any, **options: Any) -> Any:
        if left[0] > 0:
            left[0] -= 1
            raise ObjectStoreError("object_store_unavailable", reason="unreachable")
        return real(self, *given, **options)

    patch.setattr(LocalObjects, "put_file", put_file)


@pytest.mark.parametrize(("times", "state"), [(1, "succeeded"), (1000, "failed")])
def test_a_job_whose_store_goes_away_waits_for_it_and_is_tried_again(
    times: int, state: str, plate_services: Services, plate_product: Product
) -> None:
    before = _state(plate_services, plate_product)
    job_id, claim = submit_and_claim(
        plate_services, open_person(plate_services, "engineer"), MEMORY_BANK, plate_product.id
    )
    with pytest.MonkeyPatch.context() as patch:
        _lose_store(patch, times=times)
        for attempt in range(1, OUTAGE_ATTEMPTS + 1):
            assert claim.attempt == attempt
            run_claimed_job(plate_services, claim.job_id, claim.fencing_token)
            found = view(plate_services, job_id)
            if found.state != "queued":
                break
            assert found.outcomes == ()
            again = claims.claim_next(plate_services, "w")
            assert again is not None
            claim = again
    assert found.state == state
    after = _state(plate_services, plate_product)
    assert (after[0] == before[0]) == (state == "failed")
    if state == "failed":
        assert found.error is not None
        assert found.error.code == "object_store_unavailable"
        assert after[2] == before[2]


@pytest.mark.parametrize(
    "error",
    [
        ArtifactError("artifact_newer_format", found=9, supported=1),
        ArtifactError("artifact_missing_file", file="graph.xml"),
        ArtifactError("artifact_damaged", file="tensors.safetensors"),
        ModelError("golden_mismatch", runtime="torch-cpu", found=1.0, expected=2.0),
        ModelError("tiles_not_supported"),
        ModelError("device_failed", device="cuda", detail="lost"),
    ],
)
def test_each_fault_of_a_bundle_has_a_sentence_of_its_own(error: Exception) -> None:
    told = from_lower(error)
    for language in ("en", "ko"):
        sentence = told.sentence(language)
        assert sentence != told.code
        assert "{" not in sentence
