"""Many images changed at once or by a job; what somebody else changes meanwhile stays, and a lost job goes on."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.access import Person
from core.errors import BadInput, Conflict, NotAllowed
from core.images import edits, library
from core.images.gallery.archive import stream_images
from core.images.gallery.change_jobs import start_change, work_off
from core.images.gallery.changes import (
    AT_ONCE,
    AT_ONCE_WITH_FILES,
    DELETE,
    PART,
    RELABEL,
    ImageChange,
    apply_change,
    needs_job,
)
from core.images.trash.listing import count_trash
from core.jobs import claims
from core.jobs.terms import IMAGE_CHANGE
from core.jobs.views import view
from core.services import Services
from core.worker.executors import open_executor
from tests.curated_images import add_image, add_product, type_ids


def test_a_change_survives_its_way_into_a_job_and_back() -> None:
    change = ImageChange(RELABEL, image_type="defect", defect_type_id=3, view="")
    assert ImageChange.from_json({**change.to_json(), "later": 1}) == change
    assert needs_job(change, AT_ONCE_WITH_FILES + 1)
    assert not needs_job(ImageChange(DELETE), AT_ONCE)


def test_views_and_parts_are_given_to_many_and_stale_choices_refused(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    ids = [add_image(services, product_id, number) for number in (1, 2)]
    assert apply_change(services, engineer, ImageChange(RELABEL, view=" top \n"), dict.fromkeys(ids, 1)) == 2
    assert {library.get_image(services, number).view for number in ids} == {"top"}
    assert apply_change(services, engineer, ImageChange(PART, part="P1"), dict.fromkeys(ids, 2)) == 2
    for change in (ImageChange(PART, part="P2"), ImageChange(RELABEL, split="test"), ImageChange(DELETE)):
        with pytest.raises(Conflict) as caught:
            apply_change(services, engineer, change, dict.fromkeys(ids, 2))
        assert caught.value.code == "image_changed"
    with pytest.raises(BadInput):
        apply_change(services, engineer, ImageChange(RELABEL, view="v" * 65), dict.fromkeys(ids, 3))


def test_a_job_changes_all_but_what_somebody_else_changed(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    ids = [add_image(services, product_id, number) for number in range(1, 6)]
    change = ImageChange(RELABEL, image_type="defect", defect_type_id=kinds["hole"])
    with pytest.raises(NotAllowed):
        start_change(services, worker_person, product_id, change, {1: 1})
    with pytest.raises(BadInput):
        start_change(services, engineer, product_id, change, {})
    job_id = start_change(services, engineer, product_id, change, dict.fromkeys(ids, 1))
    with pytest.raises(Conflict) as caught:
        start_change(services, engineer, product_id, change, {1: 1})
    assert caught.value.code == "image_change_waiting"
    # One was done by an attempt that was lost, one is somebody else's by now, one is gone.
    apply_change(services, engineer, change, {ids[0]: 1})
    edits.relabel_images(services, engineer, [ids[1]], split="test")
    edits.delete_images(services, engineer, [ids[2]])
    claim = claims.claim_next(services, "worker")
    assert claim is not None
    assert (claim.job_id, claim.kind) == (job_id, IMAGE_CHANGE)
    assert open_executor(services.settings, claim.kind).work_off(services, claim) is None
    assert [library.get_image(services, ids[at]).defect_type_id for at in (0, 1, 3, 4)] == [
        kinds["hole"],
        None,
        kinds["hole"],
        kinds["hole"],
    ]
    (outcome,) = view(services, job_id).outcomes
    assert [file.name for file in outcome.skipped_images or ()] == ["casting_normal_002.png"]
    assert work_off(services, claim) is None  # taken over after its end: nothing more is done


def test_a_job_deletes_into_the_trash(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    ids = [add_image(services, product_id, number) for number in (1, 2)]
    start_change(services, engineer, product_id, ImageChange(DELETE), dict.fromkeys(ids, 1))
    claim = claims.claim_next(services, "worker")
    assert claim is not None
    assert work_off(services, claim) is None
    assert count_trash(services, product_id) == 2


def test_chosen_images_leave_as_one_file_with_masks_and_a_table(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    ids = [
        add_image(services, product_id, 1, split="test", original_name="=1+1.png"),
        add_image(services, product_id, 2, defect_type_id=kinds["hole"], with_mask=True, view="top"),
        add_image(services, product_id, 3),
    ]
    services.objects.delete(f"images/normal/{product_id}/file3.png")
    data = b"".join(stream_images(services, engineer, [*ids, 999], language="en"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.read("test/good/casting_normal_001.png") == b"file1"
        name = f"casting_{kinds['hole']}_002"
        assert archive.read(f"ground_truth/hole/{name}_mask.png") == b"mask2"
        table = archive.read("images.csv").decode("utf-8-sig").splitlines()
        assert len(table) == 3
        assert "'=1+1.png" in table[1]
        assert table[2].startswith(f"train/hole/{name}.png,ground_truth/hole/{name}_mask.png,")
        assert "casting_normal_003.png" in archive.read("missing.txt").decode("utf-8-sig")
    with pytest.raises(NotAllowed):
        stream_images(services, worker_person, ids, language="en")
    with pytest.raises(BadInput):
        stream_images(services, engineer, [], language="en")
