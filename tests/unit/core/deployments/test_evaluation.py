"""Evaluation: what is measured on the test images is right, and says nothing where nothing can be said."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.deployments.evaluation import evaluate
from core.deployments.measuring import test_set as read_test_set
from core.errors import NotReady
from core.images import edits
from core.registry.versions import active_version, current_threshold
from core.services import Services
from inference.vision.images.decode import decode
from storage.tables import Image, Product, ThresholdSetting

KEYS = {
    "product",
    "model_version",
    "n_normal",
    "n_defect",
    "image_auroc",
    "pixel_auroc",
    "aupro",
    "per_defect",
    "thresholds",
    "confusion",
    "overkill",
    "escape",
    "retrieval",
    "types",
    "ms_per_image",
}


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _test_rows(services: Services, product: Product) -> list[Image]:
    with services.database.reading() as session:
        return list(read_test_set(session, product.id).rows)


def test_the_figures_are_those_of_the_specification(plate_services: Services, plate_product: Product) -> None:
    reported: list[tuple[int, int]] = []
    answer = evaluate(plate_services, plate_product, progress=lambda done, total: reported.append((done, total)))
    assert set(answer) == KEYS
    assert (answer["product"], answer["model_version"]) == ("plate", 1)
    assert (answer["n_normal"], answer["n_defect"]) == (4, 4)
    assert set(answer["per_defect"]) == {"scratch", "spot"}
    assert all(set(figures) == {"n", "image_auroc"} for figures in answer["per_defect"].values())
    assert set(answer["thresholds"]) == {"review_at", "reject_at", "method"}
    both = {"top1_type_accuracy", "map_at_10"}
    assert set(answer["retrieval"]) == both | {"whole", "region", "votes_top1", "nearest_top1"}
    assert all(0 < answer["retrieval"][name] <= 1 for name in both)
    assert all(set(answer["retrieval"][view]) == both for view in ("whole", "region"))
    assert answer["image_auroc"] >= 0.9
    assert answer["pixel_auroc"] > 0.8
    assert 0 < answer["aupro"] <= 1
    assert answer["ms_per_image"] > 0
    assert reported[-1] == (8, 8)


def test_the_counts_follow_from_the_scores_of_single_inspections(
    plate_services: Services, plate_product: Product
) -> None:
    with plate_services.database.reading() as session:
        bank = active_version(session, "memory_bank", plate_product.id)
        assert bank is not None
    model = plate_services.models.memory_bank(bank)
    scores = {
        row.id: (row.image_type, model.inspect(decode(plate_services.objects.get(row.object_key)).pixels).score)
        for row in _test_rows(plate_services, plate_product)
    }
    normals = sorted(score for kind, score in scores.values() if kind == "normal")
    defects = sorted(score for kind, score in scores.values() if kind == "defect")
    # Thresholds in the midst of each: two normals are overkill, one defect escapes, whatever the model thinks of them.
    review_at, reject_at = (normals[1] + normals[2]) / 2, (defects[0] + defects[1]) / 2
    assert review_at < reject_at
    with plate_services.database.unit_of_work() as session:
        session.add(
            ThresholdSetting(model_version_id=bank.id, review_at=review_at, reject_at=reject_at, method="manual")
        )
        session.commit()
        assert current_threshold(session, bank.id).method == "manual"
    answer = evaluate(plate_services, plate_product)
    table = answer["confusion"]
    assert answer["thresholds"] == {"review_at": review_at, "reject_at": reject_at, "method": "manual"}
    for kind, values in (("normal", normals), ("defect", defects)):
        assert table[kind] == {
            "ok": sum(score < review_at for score in values),
            "review": sum(review_at <= score < reject_at for score in values),
            "reject": sum(score >= reject_at for score in values),
        }
    # An escape is a defect that passes as OK, an overkill a good part that is thrown away.
    assert answer["escape"] == table["defect"]["ok"]
    assert answer["overkill"] == table["normal"]["reject"]
    pairs = [(defect > normal) + 0.5 * (defect == normal) for defect in defects for normal in normals]
    assert answer["image_auroc"] == pytest.approx(sum(pairs) / len(pairs))


def test_without_masks_the_pixel_figures_are_null(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.unit_of_work() as session:
        session.execute(update(Image).values(mask_key=None))
        session.commit()
    answer = evaluate(plate_services, plate_product)
    assert answer["pixel_auroc"] is None
    assert answer["aupro"] is None
    assert answer["image_auroc"] is not None


@pytest.mark.parametrize("kept", ["normal", "defect"])
def test_with_one_kind_of_images_there_is_no_auroc(
    kept: str, plate_services: Services, plate_product: Product, person: Person
) -> None:
    gone = [row.id for row in _test_rows(plate_services, plate_product) if row.image_type != kept]
    edits.delete_images(plate_services, person, gone)
    answer = evaluate(plate_services, plate_product)
    assert answer["image_auroc"] is None
    assert (answer["n_normal"], answer["n_defect"]) == ((4, 0) if kept == "normal" else (0, 4))


def test_images_that_cannot_be_read_are_left_out(plate_services: Services, plate_product: Product) -> None:
    rows = _test_rows(plate_services, plate_product)
    defect = next(row for row in rows if row.image_type == "defect")
    normal = next(row for row in rows if row.image_type == "normal")
    plate_services.objects.put(defect.object_key, b"no image")
    plate_services.objects.delete(normal.object_key)
    answer = evaluate(plate_services, plate_product)
    assert (answer["n_normal"], answer["n_defect"]) == (3, 3)
    assert answer["retrieval"]["top1_type_accuracy"] is not None


def test_without_a_model_or_without_test_images_it_says_what_is_missing(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    bare = products.create_product(plate_services, person, name="Bare", code="bare")
    with pytest.raises(NotReady) as refused:
        evaluate(plate_services, bare)
    assert refused.value.code == "no_active_memory_bank"
    rows = _test_rows(plate_services, plate_product)
    edits.delete_images(plate_services, person, [row.id for row in rows])
    with pytest.raises(NotReady) as refused:
        evaluate(plate_services, plate_product)
    assert refused.value.code == "no_test_images"


def test_two_measurements_are_comparable_only_on_the_same_images_labels_and_masks(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    def stamp() -> str:
        with plate_services.database.reading() as session:
            return read_test_set(session, plate_product.id).fingerprint

    stamps = [stamp(), stamp()]
    assert stamps[0] == stamps[1]
    with plate_services.database.unit_of_work() as session:
        masked = session.exec(select(Image).where(col(Image.mask_key).is_not(None))).first()
        assert masked is not None
        masked.mask_key = None
        session.commit()
    stamps.append(stamp())
    edits.delete_images(plate_services, person, [_test_rows(plate_services, plate_product)[0].id])
    stamps.append(stamp())
    assert len(set(stamps)) == 3
