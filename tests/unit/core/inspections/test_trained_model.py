"""The trained model in use names types and holds parts back; it lets none pass, and stops no inspection."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.history.traceability import trace
from core.inspections.description import describe_record
from core.inspections.inspection import InspectionResult, inspect
from core.inspections.records import load_record
from core.inspections.trained.records import TrainedFinding
from core.inspections.trained.wording import describe_trained
from core.models.kinds import TRAINED_MODEL
from core.registry.publishing import publish_under
from core.registry.versions import add_version, make_active, scope_of
from core.reports.inspection_report import make_finding_report
from core.services import Services
from core.transactions import writing
from inference.vision.images.preprocessing import Preprocessing
from inference.vision.learning.trained_network.bundle import KIND, write_network
from inference.vision.learning.trained_network.description import NetworkDescription
from storage.tables import Inspection, ModelVersion, Product
from tests.plates import encode, plate, seed_of
from tests.trained_runs import build_graph

LABELS = ("good", "scratch", "spot")
GOOD = encode(plate(seed_of("test", "good", 0)))
SPOT = encode(plate(seed_of("test", "spot", 0), "spot"))


def use_trained(services: Services, product: Product, folder: Path, *, says: str, sure: float = 8.0) -> ModelVersion:
    """Put a trained model into use that says the same label of every image."""
    description = NetworkDescription(
        task="classification",
        recipe="tiny",
        labels=LABELS,
        good_labels=frozenset({"good"}),
        width_px=64,
        height_px=64,
        resize="stretch",
        preprocessing=Preprocessing(),
        threshold=0.5,
        has_activation=True,
    )
    weights = np.zeros((4, len(LABELS)), np.float32)
    weights[-1, LABELS.index(says)] = sure
    manifest = write_network(folder / uuid.uuid4().hex, build_graph(weights, description), description)
    bundle = next(path for path in folder.iterdir() if (path / "manifest.json").is_file())
    prefix = f"models/{KIND}/{uuid.uuid4().hex}/"
    published = publish_under(services, bundle, prefix=prefix, kind=KIND, manifest_sha256=manifest.sha256)
    with writing(services) as session:
        version = add_version(
            session,
            ModelVersion(
                kind=TRAINED_MODEL,
                scope=scope_of(product.id),
                product_id=product.id,
                number=0,
                model_name="tiny",
                object_prefix=published.object_prefix,
                manifest_sha256=published.manifest_sha256,
                byte_size=published.byte_size,
                fingerprint="0" * 64,
            ),
        )
        make_active(session, version)
        session.commit()
        session.refresh(version)
        session.expunge(version)
    return version


def ask(services: Services, product: Product, data: bytes) -> InspectionResult:
    person = open_person(services, "worker")
    return inspect(services, person, product_id=product.id, data=data, file_name="part.png")


def test_without_one_nothing_is_said(plate_services: Services, plate_product: Product) -> None:
    record = ask(plate_services, plate_product, GOOD).record
    assert record.verdict == "ok"
    assert record.trained is None
    assert "trained" not in describe_record(record)


def test_a_part_that_it_takes_for_defective_waits_for_a_person(
    plate_services: Services, plate_product: Product, tmp_path: Path
) -> None:
    before = ask(plate_services, plate_product, GOOD).record
    version = use_trained(plate_services, plate_product, tmp_path, says="spot")
    record = ask(plate_services, plate_product, GOOD).record
    assert before.verdict == "ok"
    assert record.score == before.score
    assert record.verdict == "review"
    assert record.trained is not None
    assert record.trained.raised
    assert record.trained.version_id == version.id
    assert record.suggestion is not None
    assert record.suggestion.code == "spot"
    kept = load_record(plate_services, record.id)
    assert kept.trained == TrainedFinding.from_json(record.trained.to_json())
    with plate_services.database.reading() as session:
        row = session.exec(select(Inspection).where(Inspection.id == record.id)).one()
        assert row.trained_version_id == version.id
        assert row.review_state == "waiting"


def test_it_lets_no_part_pass(plate_services: Services, plate_product: Product, tmp_path: Path) -> None:
    before = ask(plate_services, plate_product, SPOT).record
    use_trained(plate_services, plate_product, tmp_path, says="good")
    record = ask(plate_services, plate_product, SPOT).record
    assert before.verdict == record.verdict == "reject"
    assert record.trained is not None
    assert not record.trained.is_defect
    assert not record.trained.raised
    # It names no defect, so whoever named it before still does.
    assert (record.suggestion and record.suggestion.code) == (before.suggestion and before.suggestion.code)


def test_it_names_the_type_where_it_is_sure(plate_services: Services, plate_product: Product, tmp_path: Path) -> None:
    use_trained(plate_services, plate_product, tmp_path, says="scratch")
    record = ask(plate_services, plate_product, SPOT).record
    assert record.suggestion is not None
    assert record.suggestion.code == "scratch"
    assert record.suggestion.confidence > 0.9


def test_where_it_is_not_sure_it_names_nothing(
    plate_services: Services, plate_product: Product, tmp_path: Path
) -> None:
    before = ask(plate_services, plate_product, SPOT).record
    use_trained(plate_services, plate_product, tmp_path, says="scratch", sure=0.1)
    record = ask(plate_services, plate_product, SPOT).record
    assert (record.suggestion and record.suggestion.code) == (before.suggestion and before.suggestion.code)


def test_one_whose_files_are_gone_stops_no_inspection(
    plate_services: Services, plate_product: Product, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version = use_trained(plate_services, plate_product, tmp_path, says="spot")
    plate_services.models.evict(version)
    plate_services.objects.delete_prefix(version.object_prefix)
    record = ask(plate_services, plate_product, GOOD).record
    assert record.verdict == "ok"
    assert record.trained is not None
    assert record.trained.error_code == "object_missing"
    assert "could not be asked" in describe_trained(record.trained, None, "en")
    assert "cannot be asked" in caplog.text


def test_it_is_named_where_a_part_is_traced_and_printed(
    plate_services: Services, plate_product: Product, tmp_path: Path
) -> None:
    version = use_trained(plate_services, plate_product, tmp_path, says="spot")
    record = ask(plate_services, plate_product, GOOD).record
    assert record.trained is not None
    assert record.trained_type is not None
    told = describe_trained(record.trained, record.trained_type, "ko")
    assert "보류" in told
    assert record.trained_type.name_ko in told
    traced = trace(plate_services, record.id, language="en")
    assert ("trained_model", version.id) in [(one.use, one.version_id) for one in traced.models]
    assert make_finding_report(plate_services, record.id, language="ko").startswith(b"%PDF")
    assert describe_record(record)["trained"]["raised"] is True
