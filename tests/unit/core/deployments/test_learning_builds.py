"""A build sifts the images labeled good, and learns from labeled defects: what it found is stored and is used."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.deployments.evaluation import evaluate
from core.images import outliers, uploads
from core.images.records import IncomingFile
from core.inspections import inspection
from core.jobs import views
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.models.sources import BankSources
from core.registry.versions import active_version, list_versions
from core.services import Services
from storage.tables import DefectType, Image, ModelVersion, Product
from tests.plates import deploy, encode, plate, seed_of


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _add_good(services: Services, person: Person, product: Product, **pictures: bytes) -> list[int]:
    files = [IncomingFile(f"{name}.png", lambda data=data: data) for name, data in pictures.items()]  # type: ignore[misc]
    outcomes = uploads.add_images(services, person, product_id=product.id, image_type="normal", files=files)
    return [outcome.image_id or 0 for outcome in outcomes]


def _build(services: Services, product: Product) -> ModelVersion:
    deploy(services, product.id, kinds=(MEMORY_BANK,))
    view = views.list_jobs(services, kind=MEMORY_BANK)[0]
    assert view.state == "succeeded", view.log
    return list_versions(services, MEMORY_BANK, product.id)[0]


def test_a_defect_among_the_good_images_is_set_apart_named_and_learned_from_only_when_kept(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    (strange,) = _add_good(plate_services, person, plate_product, odd=encode(plate(7001, "spot")))
    version = _build(plate_services, plate_product)
    sources = BankSources.from_json(version.sources)
    assert set(sources.set_apart) == {strange}
    assert sources.set_apart_at is not None
    assert sources.set_apart[strange] > sources.set_apart_at
    assert f"image:{strange}" not in plate_services.models.memory_bank(version).training_keys
    (outcome,) = views.list_jobs(plate_services, kind=MEMORY_BANK)[0].outcomes
    assert outcome.set_apart is not None
    assert [one.image_id for one in outcome.set_apart] == [strange]
    assert [image.id for image in outliers.list_suspected(plate_services, plate_product.id)] == [strange]
    # The same defect is still found, because the thresholds do not stand on it.
    shown = inspection.examine(
        plate_services, product_id=plate_product.id, data=encode(plate(7002, "spot")), file_name="a.png"
    )
    assert shown.verdict != "ok"

    outliers.keep(plate_services, person, [strange])
    again = _build(plate_services, plate_product)
    assert f"image:{strange}" in plate_services.models.memory_bank(again).training_keys
    assert not BankSources.from_json(again.sources).set_apart
    assert not outliers.list_suspected(plate_services, plate_product.id)


def test_labeled_defects_teach_the_bank_what_they_are(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.reading() as session:
        version = active_version(session, MEMORY_BANK, plate_product.id)
        types = {row.code: row for row in session.exec(select(DefectType)).all()}
        training = session.exec(select(Image).where(Image.image_type == "defect", Image.split == "train")).all()
    assert version is not None
    figures = BankFigures.from_json(version.metrics)
    assert figures.head is not None
    assert figures.head.n_defect == len(training)
    assert figures.head.counts == {types["scratch"].id: 3, types["spot"].id: 3}
    assert set(figures.head.left_out) <= {row.id for row in types.values()}
    model = plate_services.models.memory_bank(version)
    opinion = model.inspect(plate(seed_of("test", "spot", 0), "spot")).opinion
    assert opinion is not None
    assert {name for name, _ in opinion.probabilities} == {str(row.id) for row in types.values()}
    found = evaluate(plate_services, plate_product)
    assert found["types"]["head_top1"] is not None
    assert found["types"]["suggested_by"] in {"head", "votes"}
    assert found["retrieval"]["top1_type_accuracy"] == found["types"]["top1_accuracy"]


def test_a_new_labeled_defect_builds_the_bank_whole(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    with plate_services.database.reading() as session:
        spot = session.exec(select(DefectType).where(DefectType.code == "spot")).one()
    _add_good(plate_services, person, plate_product, one=encode(plate(7101)))
    file = IncomingFile("bad.png", lambda: encode(plate(7102, "spot")))
    added = uploads.add_images(
        plate_services,
        person,
        product_id=plate_product.id,
        image_type="defect",
        defect_type_id=spot.id,
        files=[file],
    )
    assert [outcome.outcome for outcome in added] == ["added"]
    version = _build(plate_services, plate_product)
    growth = BankSources.from_json(version.sources).growth
    assert growth is not None
    assert growth.extends is None
    head = BankFigures.from_json(version.metrics).head
    assert head is not None
    assert head.n_defect == 7


def test_thresholds_without_defects_say_what_made_up_ones_would_do(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    from core.images.edits import delete_images

    with plate_services.database.reading() as session:
        labeled = session.exec(select(Image.id).where(Image.image_type == "defect", Image.split == "train")).all()
    delete_images(plate_services, person, list(labeled))
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    (outcome,) = views.list_jobs(plate_services, kind=MEMORY_BANK)[0].outcomes
    assert outcome.calibration is not None
    assert outcome.calibration.n_defect == 0
    assert outcome.calibration.n_made_up == 10
    assert outcome.calibration.made_up_escape is not None
    assert outcome.calibration.percentile == pytest.approx(98.0)
    version = list_versions(plate_services, MEMORY_BANK, plate_product.id)[0]
    assert BankFigures.from_json(version.metrics).head is None
