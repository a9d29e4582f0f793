"""Normal images that do not look like the others: noted by a build, decided by a person, asked about once."""

from __future__ import annotations

import numpy as np
import pytest
from sqlmodel import col, select

from core.access import Person
from core.catalog import defect_types, products
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.images import edits, library, outliers, uploads
from core.images.outliers import KEPT, SUSPECTED
from core.images.records import IncomingFile
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.fingerprints import fingerprints
from core.services import Services
from inference.vision.images.encoding import encode_png
from storage.tables import AuditLog, DefectType, Image, Product, utc_now

LIMIT = 30.0


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return products.create_product(services, engineer, name="Casting", code="casting")


@pytest.fixture
def hole(services: Services, engineer: Person, product: Product) -> DefectType:
    return defect_types.create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")


def _add(services: Services, person: Person, product: Product, count: int, *, split: str = "train") -> list[int]:
    def file(seed: int) -> IncomingFile:
        pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
        return IncomingFile(f"{split}{seed}.png", lambda: encode_png(pixels))

    first = 0 if split == "train" else 1000
    outcomes = uploads.add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        split=split,
        files=[file(first + number) for number in range(count)],
    )
    return [outcome.image_id for outcome in outcomes if outcome.image_id is not None]


@pytest.fixture
def ids(services: Services, engineer: Person, product: Product) -> list[int]:
    return _add(services, engineer, product, 4)


def _note(services: Services, product: Product, scores: dict[int, float], judged: list[int] | None = None) -> None:
    with services.database.unit_of_work() as session:
        outliers.note_suspected(session, product.id, scores, limit=LIMIT, now=utc_now(), judged=judged)
        session.commit()


def _states(services: Services, ids: list[int]) -> list[str]:
    return [library.get_image(services, image_id).outlier_state for image_id in ids]


def _fingerprints(services: Services, product: Product) -> tuple[str | None, str | None]:
    with services.database.reading() as session:
        found = fingerprints(session, [product.id])
    return found.get((MEMORY_BANK, product.id, "")), found.get((SIMILARITY_INDEX, product.id, "normal"))


def test_a_build_notes_exactly_the_images_that_it_set_apart(
    services: Services, product: Product, ids: list[int]
) -> None:
    _note(services, product, {ids[0]: 41.5, ids[2]: 55.0})
    assert _states(services, ids) == [SUSPECTED, "", SUSPECTED, ""]
    assert [image.id for image in outliers.list_suspected(services, product.id)] == [ids[2], ids[0]]
    first = library.get_image(services, ids[0])
    assert first.outlier_score == 41.5
    assert first.outlier_at is not None
    _note(services, product, {ids[2]: 50.0, ids[3]: 33.0})
    assert _states(services, ids) == ["", "", SUSPECTED, SUSPECTED]
    assert library.get_image(services, ids[0]).outlier_score is None
    assert library.get_image(services, ids[2]).outlier_score == 50.0
    assert outliers.count_noted(services, product.id) == {SUSPECTED: 2}


def test_what_a_build_did_not_judge_keeps_its_note(
    services: Services, engineer: Person, product: Product, ids: list[int]
) -> None:
    (tested,) = _add(services, engineer, product, 1, split="test")
    outliers.note_at_intake(services, engineer, product.id, {ids[0]: 60.0, ids[1]: 61.0, tested: 62.0}, limit=LIMIT)
    _note(services, product, {}, judged=[ids[1], ids[2]])
    assert _states(services, [ids[0], ids[1], tested]) == [SUSPECTED, "", SUSPECTED]


def test_a_note_makes_no_model_out_of_date_and_a_decision_only_the_memory_bank(
    services: Services, engineer: Person, product: Product, ids: list[int]
) -> None:
    before = _fingerprints(services, product)
    _note(services, product, {ids[0]: 41.5})
    assert _fingerprints(services, product) == before
    assert outliers.keep(services, engineer, [ids[0]]) == 1
    bank, index = _fingerprints(services, product)
    assert bank != before[0]
    assert index == before[1]
    outliers.take_back(services, engineer, [ids[0]])
    assert _fingerprints(services, product) == before


def test_what_a_person_kept_is_not_asked_about_again(
    services: Services, engineer: Person, product: Product, ids: list[int]
) -> None:
    _note(services, product, {ids[0]: 41.5})
    outliers.keep(services, engineer, [ids[0]])
    _note(services, product, {ids[0]: 43.0, ids[1]: 50.0})
    _note(services, product, {})
    assert _states(services, ids[:2]) == [KEPT, ""]
    outliers.note_at_intake(services, engineer, product.id, {ids[0]: 44.0}, limit=LIMIT)
    (kept,) = outliers.list_kept(services, product.id)
    assert (kept.image.id, kept.kept_by) == (ids[0], engineer.display_name)
    outliers.take_back(services, engineer, [ids[0]])
    assert outliers.list_kept(services, product.id) == []
    assert _states(services, ids[:1]) == [SUSPECTED]


def test_notes_and_decisions_are_in_the_audit_log(
    services: Services, engineer: Person, product: Product, ids: list[int]
) -> None:
    _note(services, product, {ids[0]: 41.5})
    _note(services, product, {ids[0]: 42.0})  # no news
    outliers.keep(services, engineer, [ids[0]])
    with services.database.reading() as session:
        rows = session.exec(
            select(AuditLog)
            .where(col(AuditLog.action).in_(["images.suspected", "image.kept"]))
            .order_by(col(AuditLog.id))
        ).all()
    noted, kept = rows
    name = library.get_image(services, ids[0]).stored_name
    assert (noted.user_name, noted.details) == ("", {"count": 1, "names": [name], "limit": LIMIT})
    assert (kept.user_name, kept.details["score"]) == (engineer.display_name, 42.0)


def test_an_image_that_becomes_a_defect_loses_the_note_and_gets_a_name_of_its_type(
    services: Services, engineer: Person, product: Product, hole: DefectType, ids: list[int]
) -> None:
    _note(services, product, {ids[0]: 41.5, ids[1]: 50.0})
    seen = {image.id: image.row_version for image in outliers.list_suspected(services, product.id)}
    assert outliers.move_to_defects(services, engineer, list(seen), hole.id, row_versions=seen) == 2
    moved = library.get_image(services, ids[0])
    assert (moved.image_type, moved.defect_type_id, moved.outlier_state) == ("defect", hole.id, "")
    assert moved.outlier_score is None
    assert moved.stored_name.startswith("casting_hole_")
    # A change of mind does not bring the note back.
    edits.relabel_images(services, engineer, [ids[0]], image_type="normal")
    assert outliers.list_suspected(services, product.id) == []


def test_a_decision_on_an_image_that_somebody_changed_meanwhile_is_refused_as_a_whole(
    services: Services, engineer: Person, product: Product, hole: DefectType, ids: list[int]
) -> None:
    _note(services, product, {ids[0]: 41.5, ids[1]: 50.0})
    seen = {image.id: image.row_version for image in outliers.list_suspected(services, product.id)}
    edits.relabel_images(services, engineer, [ids[1]], split="test")
    with pytest.raises(Conflict, match=r"changed casting_normal_.* since you saw it"):
        outliers.keep(services, engineer, list(seen), row_versions=seen)
    with pytest.raises(Conflict, match=r"changed casting_normal_.* since you saw it"):
        outliers.move_to_defects(services, engineer, list(seen), hole.id, row_versions=seen)
    with pytest.raises(Conflict, match=r"changed casting_normal_.* since you saw it"):
        edits.delete_images(services, engineer, list(seen), row_versions=seen)
    assert _states(services, ids[:2]) == [SUSPECTED, SUSPECTED]


def test_what_does_not_wait_cannot_be_kept_and_what_was_not_kept_not_taken_back(
    services: Services, engineer: Person, worker_person: Person, product: Product, ids: list[int]
) -> None:
    with pytest.raises(Conflict, match="does not wait"):
        outliers.keep(services, engineer, [ids[0]])
    with pytest.raises(Conflict, match="not kept"):
        outliers.take_back(services, engineer, [ids[0]])
    with pytest.raises(BadInput):
        outliers.keep(services, engineer, [])
    with pytest.raises(NotFound):
        outliers.keep(services, engineer, [99999])
    with pytest.raises(NotAllowed):
        outliers.keep(services, worker_person, [ids[0]])


def test_the_gallery_lists_what_waits(services: Services, product: Product, ids: list[int]) -> None:
    _note(services, product, {ids[3]: 41.5})
    found: list[Image] = library.list_images(services, product.id, outlier_state=SUSPECTED).rows
    assert [image.id for image in found] == [ids[3]]
