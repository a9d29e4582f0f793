"""Versions: current or out of date, and the way back to an older one."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import defect_types, products
from core.errors import AppError, Conflict, NotFound, Unavailable
from core.images import edits, outliers, uploads
from core.images.records import IncomingFile
from core.inspections import inspection
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.model_status import model_states
from core.registry.versions import activate, active_version, list_versions
from core.services import Services
from storage.tables import AuditLog, Image, ImagePreprocessing, ModelVersion, Product, utc_now
from tests.plates import IMAGE_KINDS, deploy, encode, plate, seed_of

BANK, INDEX = MEMORY_BANK, SIMILARITY_INDEX


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _add(services: Services, person: Person, product: Product, seed: int, split: str = "train") -> int:
    data = encode(plate(seed))
    (outcome,) = uploads.add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        split=split,
        files=[IncomingFile(f"{seed}.png", lambda: data)],
    )
    assert outcome.image_id is not None
    return outcome.image_id


def _images(services: Services, image_type: str, split: str) -> list[int]:
    with services.database.reading() as session:
        query = select(Image.id).where(Image.image_type == image_type, Image.split == split).order_by(col(Image.id))
        return [image_id for image_id in session.exec(query).all() if image_id is not None]


def _second_version(services: Services, product: Product) -> list[ModelVersion]:
    deploy(services, product.id, kinds=(BANK,))
    return list_versions(services, BANK, product.id)


def test_a_product_has_no_model_until_it_is_deployed(plate_services: Services, person: Person) -> None:
    bare = products.create_product(plate_services, person, name="Bare", code="bare")
    for kind in IMAGE_KINDS:
        assert model_states(plate_services)[(kind, bare.id)].state == "none"
    _add(plate_services, person, bare, 8000)
    assert model_states(plate_services)[(BANK, bare.id)].state == "none"
    deploy(plate_services, bare.id)
    for kind in IMAGE_KINDS:
        assert model_states(plate_services)[(kind, bare.id)].state == "current"


def test_images_that_come_and_go_make_a_model_out_of_date_and_are_counted(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    product_id = plate_product.id
    added = [_add(plate_services, person, plate_product, 8100 + number) for number in range(2)]
    edits.delete_images(plate_services, person, _images(plate_services, "normal", "train")[:1])
    for kind in IMAGE_KINDS:
        state = model_states(plate_services)[(kind, product_id)]
        assert (state.state, state.changes) == ("out_of_date", {"added": 2, "removed": 1})
        assert state.active is not None
    deploy(plate_services, product_id)
    assert model_states(plate_services)[(BANK, product_id)].state == "current"
    edits.delete_images(plate_services, person, added)
    assert model_states(plate_services)[(BANK, product_id)].changes == {"added": 0, "removed": 2}


def test_test_images_make_nothing_out_of_date(plate_services: Services, plate_product: Product, person: Person) -> None:
    _add(plate_services, person, plate_product, 8200, split="test")
    for kind in IMAGE_KINDS:
        assert model_states(plate_services)[(kind, plate_product.id)].state == "current"


def test_another_label_makes_both_models_out_of_date(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    scratch = next(
        row for row in defect_types.list_defect_types(plate_services, plate_product.id) if row.code == "scratch"
    )
    edits.relabel_images(
        plate_services,
        person,
        _images(plate_services, "normal", "train")[:1],
        image_type="defect",
        defect_type_id=scratch.id,
        split="train",
    )
    for kind in IMAGE_KINDS:
        assert model_states(plate_services)[(kind, plate_product.id)].state == "out_of_date"


def test_other_preprocessing_concerns_the_memory_bank_alone(plate_services: Services, plate_product: Product) -> None:
    product_id = plate_product.id
    with plate_services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=product_id, options={"grayscale": True}))
        session.commit()
    state = model_states(plate_services)[(BANK, product_id)]
    assert (state.state, state.changes) == ("out_of_date", {"added": 0, "removed": 0})
    assert model_states(plate_services)[(INDEX, product_id)].state == "current"
    deploy(plate_services, product_id, kinds=(BANK,))
    assert model_states(plate_services)[(BANK, product_id)].state == "current"
    newest = list_versions(plate_services, BANK, product_id)[0]
    assert newest.preprocessing["grayscale"] is True


def test_an_inactive_product_is_not_among_the_states(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    products.set_product_active(plate_services, person, plate_product.id, False)
    assert model_states(plate_services) == {}


def test_defects_beyond_the_calibrations_limit_do_not_count_as_new(
    plate_services: Services, plate_product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.deployments.kinds.memory_banks.MAX_CALIBRATION_DEFECTS", 2)
    deploy(plate_services, plate_product.id, kinds=(BANK,))
    _add(plate_services, person, plate_product, 8300)
    state = model_states(plate_services)[(BANK, plate_product.id)]
    assert state.changes == {"added": 1, "removed": 0}


# --- the way back ----------------------------------------------------------------------------------------------------


def test_an_image_that_was_set_apart_and_kept_is_counted_until_it_is_taken_back(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    first = _images(plate_services, "normal", "train")[0]
    key = (BANK, plate_product.id)
    with plate_services.database.unit_of_work() as session:
        row = active_version(session, BANK, plate_product.id)
        assert row is not None
        row.sources = {**row.sources, "set_apart": {str(first): 44.5}, "set_apart_at": 33.0}
        outliers.note_suspected(session, plate_product.id, {first: 44.5}, limit=33.0, now=utc_now())
        session.commit()
    assert model_states(plate_services)[key].state == "current"
    outliers.keep(plate_services, person, [first])
    state = model_states(plate_services)[key]
    assert (state.state, state.changes["kept"], state.changes["added"]) == ("out_of_date", 1, 0)
    assert model_states(plate_services)[(INDEX, plate_product.id)].state == "current"
    outliers.take_back(plate_services, person, [first])
    assert model_states(plate_services)[key].state == "current"


def test_rolling_back_inspects_with_the_older_version_again(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    data = encode(plate(seed_of("test", "spot", 80), "spot"))

    def score() -> tuple[int, float]:
        result = inspection.inspect(plate_services, person, product_id=plate_product.id, data=data, file_name="x.png")
        return result.record.model.number, result.record.score

    first = score()
    edits.delete_images(plate_services, person, _images(plate_services, "normal", "train")[:6])
    newer, older = _second_version(plate_services, plate_product)
    second = score()
    assert (first[0], second[0]) == (1, 2)
    assert first[1] != second[1]
    activated = activate(plate_services, person, older.id)
    assert activated.state == "active"
    assert score() == first
    states = {row.number: (row.state, row.active_key) for row in list_versions(plate_services, BANK, plate_product.id)}
    assert states[2] == ("retired", None)
    assert states[1][0] == "active"
    with pytest.raises(Conflict) as refused:
        activate(plate_services, person, older.id)
    assert refused.value.code == "version_already_active"
    activate(plate_services, person, newer.id)
    assert score() == second
    with plate_services.database.reading() as session:
        entries = session.exec(
            select(AuditLog).where(AuditLog.action == "version.activate").order_by(col(AuditLog.id).desc())
        ).all()
    assert (entries[0].details["number"], entries[0].details["instead_of"]) == (2, 1)
    assert entries[0].user_id == person.id


def test_a_version_that_does_not_exist_cannot_be_activated(plate_services: Services, person: Person) -> None:
    with pytest.raises(NotFound):
        activate(plate_services, person, 99_999)


def test_every_damaged_file_of_a_bundle_is_found_at_activation_and_the_active_version_stays(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    newer, older = _second_version(plate_services, plate_product)
    keys = [info.key for info in plate_services.objects.list(older.object_prefix)]
    assert len(keys) >= 2
    for key in keys:
        sound = plate_services.objects.get(key)
        for fault in ("flipped", "missing"):
            if fault == "flipped":
                middle = len(sound) // 2
                plate_services.objects.put(key, sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
            else:
                plate_services.objects.delete(key)
            with pytest.raises(AppError) as refused:
                activate(plate_services, person, older.id)
            assert refused.value.code.startswith("artifact_"), (key, fault)
            assert "{" not in str(refused.value)
            with plate_services.database.reading() as session:
                active = active_version(session, BANK, plate_product.id)
            assert active is not None
            assert active.id == newer.id
        plate_services.objects.put(key, sound)
    activate(plate_services, person, older.id)


def test_a_bundle_that_is_gone_or_a_store_that_is_away_is_told(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    newer, older = _second_version(plate_services, plate_product)
    plate_services.objects.delete_prefix(older.object_prefix)
    with pytest.raises(NotFound) as refused:
        activate(plate_services, person, older.id)
    assert refused.value.code == "object_missing"
    folder = plate_services.settings.data_dir / "objects"
    folder.rename(folder.with_name("away"))
    with pytest.raises(Unavailable) as unavailable:
        activate(plate_services, person, older.id)
    assert unavailable.value.code == "object_store_unavailable"
    # What is active is in memory, and goes on inspecting as far as the store is not needed.
    finding = inspection.examine(plate_services, product_id=plate_product.id, data=encode(plate(1)), file_name="x.png")
    assert finding.bank.id == newer.id


def test_two_versions_are_never_active_at_once(plate_services: Services, plate_product: Product) -> None:
    _, older = _second_version(plate_services, plate_product)
    with plate_services.database.unit_of_work() as session:
        key = f"{BANK}:{older.scope}"
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            session.execute(update(ModelVersion).where(col(ModelVersion.id) == older.id).values(active_key=key))
