"""The trash: what is deleted can be put back for thirty days as it was, unless something stands in the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core.access import Person
from core.errors import BadInput, NotAllowed, NotFound
from core.images import edits, library
from core.images.gallery.pictures import image_token, read_image_thumbnail
from core.images.naming import number_after
from core.images.records import IncomingFile
from core.images.trash.listing import count_trash, find_trashed, list_trash
from core.images.trash.purging import empty_trash, purge_expired, purge_images
from core.images.trash.records import TRASH_DAYS
from core.images.trash.restoring import restore_images
from core.images.uploads import add_images
from core.operations.orphans import list_orphans
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services
from storage.tables import DefectType, Image, ImageBox, Product, TrashedImage, utc_now
from tests.curated_images import add_image, add_product, type_ids
from tests.plates import encode, plate
from tests.stored import stored_keys


def _boxes(services: Services, image_id: int) -> list[ImageBox]:
    with services.database.reading() as session:
        return list(session.exec(select(ImageBox).where(ImageBox.image_id == image_id).order_by(ImageBox.x)).all())  # type: ignore[arg-type]


def _put_back(services: Services, person: Person, image_id: int) -> str | None:
    (outcome,) = restore_images(services, person, find_trashed(services, [image_id]))
    return outcome.error.code if outcome.error is not None else None


def _change(services: Services, row: type[Product | DefectType], number: int, **values: object) -> None:
    with services.database.unit_of_work() as session:
        found = session.get(row, number)
        for name, value in values.items():
            setattr(found, name, value)
        session.commit()


def test_what_is_put_back_is_as_it_was(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kind = type_ids(services, product_id)["hole"]
    image_id = add_image(
        services,
        product_id,
        7,
        defect_type_id=kind,
        with_mask=True,
        split="test",
        part="P 1",
        view="top",
        origin="upload",
        quality="blurred",
        blur_score=0.8,
        difference_hash=-5,
        notes=["alpha"],
    )
    with services.database.unit_of_work() as session:
        for x in (1.0, 2.0):
            session.add(ImageBox(image_id=image_id, defect_type_id=kind, shape="box", x=x, y=0, width=3, height=4))
        session.commit()
    _change(services, DefectType, kind, example_image_ids=[image_id])
    before, boxes = library.get_image(services, image_id), _boxes(services, image_id)
    assert edits.delete_images(services, engineer, [image_id]) == 1
    with pytest.raises(NotFound):
        library.get_image(services, image_id)
    assert _boxes(services, image_id) == []
    (line,) = list_trash(services, engineer, product_id).lines
    assert (line.image_id, line.stored_name, line.deleted_by) == (image_id, before.stored_name, engineer.display_name)
    assert line.days_left == TRASH_DAYS
    token = image_token(before.content_sha256)
    assert read_image_thumbnail(services, image_id, token) == b"small7"
    # Nothing in the store is an orphan, or missing.
    stock = take_stock(services)
    assert list_orphans(stock, min_age=timedelta(0), now=utc_now() + timedelta(days=2)) == []
    assert find_missing(services, stock) == []
    assert _put_back(services, engineer, image_id) is None
    after = library.get_image(services, image_id)
    ignored = {"updated_at", "row_version"}
    assert after.model_dump(exclude=ignored) == before.model_dump(exclude=ignored)
    assert after.row_version > before.row_version
    same = {"id", "created_at"}
    assert [box.model_dump(exclude=same) for box in _boxes(services, image_id)] == [
        box.model_dump(exclude=same) for box in boxes
    ]
    with services.database.reading() as session:
        found = session.get(DefectType, kind)
        assert found is not None
        assert found.example_image_ids == [image_id]
    assert count_trash(services, product_id) == 0


def test_what_stands_in_the_way_is_told_and_the_image_stays(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    ids = [add_image(services, product_id, n, defect_type_id=kinds["hole"]) for n in range(1, 4)]
    edits.delete_images(services, engineer, ids)
    add_image(services, product_id, 11, content_sha256=f"{product_id}-1")
    assert _put_back(services, engineer, ids[0]) == "trash_same_content"
    _change(services, DefectType, kinds["hole"], is_active=False)
    assert _put_back(services, engineer, ids[1]) == "trash_type_inactive"
    _change(services, DefectType, kinds["hole"], is_active=True, outcome="good")
    assert _put_back(services, engineer, ids[1]) == "trash_type_gone"
    _change(services, DefectType, kinds["hole"], outcome="defect")
    _change(services, Product, product_id, is_active=False)
    assert _put_back(services, engineer, ids[1]) == "trash_product_inactive"
    _change(services, Product, product_id, is_active=True)
    services.objects.delete(f"images/defect/{product_id}_{kinds['hole']}/file3.png")
    outcomes = restore_images(services, engineer, find_trashed(services, ids[1:]))
    assert [outcome.error.code if outcome.error else None for outcome in outcomes] == [None, "trash_file_gone"]
    assert count_trash(services, product_id) == 2


def test_a_name_in_the_trash_is_not_given_away(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    image_id = add_image(services, product_id, 9)
    edits.delete_images(services, engineer, [image_id])
    with services.database.reading() as session:
        assert number_after(session, "casting_normal_") == 10


def test_it_is_emptied_after_its_days_and_not_before(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    ids = [add_image(services, product_id, number) for number in (1, 2)]
    edits.delete_images(services, engineer, ids[:1])
    edits.delete_images(services, engineer, ids[1:])
    now = utc_now()
    with services.database.unit_of_work() as session:
        old = session.exec(select(TrashedImage).where(TrashedImage.image_id == ids[0])).one()
        old.deleted_at = now - timedelta(days=1)
        session.commit()
    assert purge_expired(services, now=now + timedelta(days=TRASH_DAYS - 2)) == 0
    assert purge_expired(services, now=now + timedelta(days=TRASH_DAYS - 0.5)) == 1
    assert stored_keys(services) == [f"images/normal/{product_id}/file2.png", f"thumbnails/{product_id}/file2.jpg"]
    with pytest.raises(NotFound):
        restore_images(services, engineer, [1])


def test_only_an_administrator_deletes_for_good(services: Services, engineer: Person, admin: Person) -> None:
    product_id = add_product(services)
    ids = [add_image(services, product_id, number) for number in (1, 2, 3)]
    edits.delete_images(services, engineer, ids)
    trashed = find_trashed(services, ids)
    for act in (purge_images, empty_trash):
        with pytest.raises(NotAllowed):
            act(services, engineer, trashed if act is purge_images else product_id)  # type: ignore[arg-type]
    assert purge_images(services, admin, trashed[:1]) == 1
    assert empty_trash(services, admin, product_id) == 2
    assert (stored_keys(services), empty_trash(services, admin, product_id)) == ([], 0)
    with pytest.raises(NotFound):
        purge_images(services, admin, trashed)
    with pytest.raises(BadInput):
        restore_images(services, engineer, [])


def test_nothing_in_the_trash_is_learned_from_or_counted(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    image_id = add_image(services, product_id, 1)
    edits.delete_images(services, engineer, [image_id])
    with services.database.reading() as session:
        assert session.exec(select(Image)).all() == []


def test_an_image_that_lies_in_the_trash_is_not_added_anew(services: Services, engineer: Person) -> None:
    product_id = add_product(services)
    files = [IncomingFile("a.png", lambda: encode(plate(1)))]
    (added,) = add_images(services, engineer, product_id=product_id, image_type="normal", files=files)
    assert added.image_id is not None
    edits.delete_images(services, engineer, [added.image_id])
    # The same pixels in another file are the same image.
    again = [IncomingFile("b.bmp", lambda: encode(plate(1), "bmp")), IncomingFile("c.png", lambda: encode(plate(2)))]
    told, new = add_images(services, engineer, product_id=product_id, image_type="normal", files=again)
    assert new.outcome == "added"
    assert (told.outcome, told.image_id) == ("refused", None)
    assert told.error is not None
    assert (told.error.code, told.error.params["existing"]) == ("image_in_trash", added.stored_name)
    restore_images(services, engineer, [told.error.params["trash_id"]])
    (back,) = add_images(services, engineer, product_id=product_id, image_type="normal", files=again[:1])
    assert (back.outcome, back.image_id) == ("duplicate", added.image_id)


def test_what_is_deleted_for_good_may_be_added_anew(services: Services, engineer: Person, admin: Person) -> None:
    product_id = add_product(services)
    files = [IncomingFile("a.png", lambda: encode(plate(1)))]
    (added,) = add_images(services, engineer, product_id=product_id, image_type="normal", files=files)
    edits.delete_images(services, engineer, [added.image_id or 0])
    other = add_product(services, code="other")
    (elsewhere,) = add_images(services, engineer, product_id=other, image_type="normal", files=files)
    empty_trash(services, admin, product_id)
    (again,) = add_images(services, engineer, product_id=product_id, image_type="normal", files=files)
    assert (elsewhere.outcome, again.outcome) == ("added", "added")
