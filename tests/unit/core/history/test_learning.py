"""What becomes of a confirmed part in the images, and where the images of the next build come from."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from sqlmodel import col, select

from core.access import Person
from core.deployments.origins import NewImages, count_new_of
from core.errors import BadInput, Conflict, NotAllowed
from core.history.learning import add_to_images, find_learned
from core.history.traceability import check_image, trace
from core.images.library import read_image, read_mask_png
from core.inspections.decisions import confirm_defect_type, override_verdict
from core.inspections.follow_up.changes import describe_change, list_changes
from core.inspections.stored_values import DefectRegion
from core.models.kinds import MEMORY_BANK
from core.services import Services
from inference.vision.detection.regions import draw_region_mask
from inference.vision.images.decode import decode_mask, encode_map
from storage.tables import Image, Inspection, Product
from tests.history_rows import add_product, add_rows, type_id


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _add_part(services: Services, person: Person, product: Product, *, seed: int = 0, **values: object) -> int:
    """Add an inspected part with its files: 80 x 60 px, the left quarter of its map beyond review."""
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(pixels).save(out, "PNG")
    anomaly_map = np.zeros((15, 20), np.float32)
    anomaly_map[:, :5] = 30.0
    services.objects.put(f"inspections/{seed}.png", out.getvalue())
    services.objects.put(f"inspections/{seed}.heat", encode_map(anomaly_map))
    found: dict[str, Any] = {
        "image_key": f"inspections/{seed}.png",
        "heat_map_key": f"inspections/{seed}.heat",
        "image_sha256": hashlib.sha256(out.getvalue()).hexdigest(),
        "lot": "7",
        "serial": "S-17",
        "verdict": "reject",
        "final_verdict": "reject",
        "score": 30.0,
        "action_status": "open",
        "regions": [DefectRegion(x=0, y=0, w=20, h=60, area=1200, score=30.0).to_json()],
        **values,
    }
    (inspection_id,) = add_rows(services, person, product, **found)
    return inspection_id


def test_a_confirmed_defect_becomes_an_image_with_its_region_as_mask_and_its_origin(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product)
    scratch = type_id(services, product, "scratch")
    confirm_defect_type(services, worker_person, part, row_version=1, defect_type_id=scratch)
    outcome = add_to_images(services, engineer, part)
    assert (outcome.outcome, outcome.stored_name) == ("added", "bracket_scratch_001.png")
    with services.database.reading() as session:
        image = session.get(Image, outcome.image_id)
    assert image is not None
    assert (image.image_type, image.defect_type_id, image.split) == ("defect", scratch, "train")
    assert (image.inspection_id, image.part, image.part_source) == (part, "7/S-17", "inspection")
    assert image.created_by == engineer.id
    with services.database.reading() as session:
        row = session.get(Inspection, part)
    assert row is not None
    assert hashlib.sha256(read_image(services, image)).hexdigest() == row.image_sha256
    mask = decode_mask(read_mask_png(services, image) or b"")
    assert mask.shape == (60, 80)
    assert mask[:, :16].all()
    assert not mask[:, 20:].any()
    learned = find_learned(services, part)
    assert learned is not None
    assert (learned.stored_name, learned.person_name) == ("bracket_scratch_001.png", engineer.display_name)
    told = [describe_change(change, "en") for change in list_changes(services, part)]
    assert told[-1] == "Added to the images: bracket_scratch_001.png"


def test_a_part_that_is_ok_becomes_a_normal_image_without_a_mask(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product, verdict="ok", final_verdict="ok", lot="", serial="")
    outcome = add_to_images(services, engineer, part)
    with services.database.reading() as session:
        image = session.get(Image, outcome.image_id)
    assert image is not None
    assert (image.image_type, image.mask_key, image.part, image.part_source) == ("normal", None, "", "")


def test_what_is_there_already_is_refused_by_its_name(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product, verdict="ok", final_verdict="ok")
    add_to_images(services, engineer, part)
    with pytest.raises(Conflict) as caught:
        add_to_images(services, engineer, part)
    assert caught.value.code == "image_duplicate"
    assert caught.value.params["existing"] == "bracket_normal_001.png"


def test_only_what_is_decided_and_confirmed_is_learned(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product)
    with pytest.raises(NotAllowed):
        add_to_images(services, worker_person, part)
    with pytest.raises(BadInput) as missing:
        add_to_images(services, engineer, part)
    assert missing.value.code == "defect_type_missing"
    override_verdict(services, worker_person, part, row_version=1, verdict="ok", reason="dust")
    undecided = _add_part(services, worker_person, product, seed=1, verdict="review", final_verdict="review")
    for number, code in ((part, "learning_not_confirmed"), (undecided, "learning_not_decided")):
        with pytest.raises(Conflict) as caught:
            add_to_images(services, engineer, number)
        assert caught.value.code == code
    with services.database.reading() as session:
        assert session.exec(select(Image)).all() == []


def test_a_picture_that_is_not_the_inspected_one_is_found_out_and_not_learned(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product, verdict="ok", final_verdict="ok")
    assert check_image(services, part).matches
    services.objects.put("inspections/0.png", b"another picture")
    check = check_image(services, part)
    assert not check.matches
    assert check.found == hashlib.sha256(b"another picture").hexdigest()
    with pytest.raises(Conflict) as caught:
        add_to_images(services, engineer, part)
    assert caught.value.code == "learning_image_changed"


def test_the_next_build_knows_how_many_images_inspections_gave(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    parts = [
        _add_part(services, worker_person, product, seed=seed, verdict="ok", final_verdict="ok") for seed in range(3)
    ]
    for part in parts[:2]:
        add_to_images(services, engineer, part)
    with services.database.unit_of_work() as session:
        image = session.exec(select(Image).order_by(col(Image.id))).all()[1]
        image.inspection_id = None
        session.add(image)
        session.commit()
    with services.database.reading() as session:
        assert count_new_of(session, MEMORY_BANK, product.id) == NewImages(2, 1)


def test_a_trace_names_models_thresholds_people_and_changes(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    part = _add_part(services, worker_person, product)
    override_verdict(services, engineer, part, row_version=1, verdict="ok", reason="dust")
    found = trace(services, part, language="en")
    assert [(one.use, one.number, one.manifest_sha256) for one in found.models] == [("memory_bank", 1, "5" * 64)]
    assert (found.thresholds.review_at, found.thresholds.reject_at, found.thresholds.method) == (20.0, 25.0, "manual")
    assert [(deed, name) for deed, name, _at in found.people] == [
        ("inspected", worker_person.display_name),
        ("override", engineer.display_name),
    ]
    assert [describe_change(change, "en") for change in found.changes] == ["Verdict changed: NG → OK · “dust”"]
    assert found.learned is None


def test_a_mask_is_what_the_map_marks_within_the_boxes_and_a_box_without_any_is_marked_whole() -> None:
    anomaly_map = np.zeros((10, 10), np.float32)
    anomaly_map[2:5, 2:5] = 3.0
    mask = draw_region_mask(
        anomaly_map, threshold=2.0, image_size_px=(100, 100), boxes=[(0, 0, 60, 60), (80, 80, 10, 10)]
    )
    assert mask.shape == (100, 100)
    assert mask[25:45, 25:45].all()
    assert not mask[:15, :15].any()
    assert mask[80:90, 80:90].all()
    assert not mask[60:80, 60:80].any()
