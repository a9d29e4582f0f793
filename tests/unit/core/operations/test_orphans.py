"""Objects without a row: into the trash, a small share at a time, back again; and rows without their object."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlmodel import col, select

from core import identity
from core.access import Person
from core.accounts.people import command_line_person
from core.catalog import products
from core.errors import AppError, NotAllowed, NotReady, Unavailable
from core.images import records, uploads
from core.operations import health, orphans, pairing
from core.operations.orphans import clean_up, collect_orphans, list_orphans
from core.operations.repair import repair
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services
from inference.vision.images.encoding import encode_png
from storage.local_objects import LocalObjects
from storage.objects import ObjectStoreError
from storage.tables import AuditLog, Image, ModelVersion, utc_now
from tests.stored import add_stored_images, age, objects_folder, put_lost, stored_keys

NOW = timedelta(seconds=-60)
DAY = timedelta(days=1)


def _refuse(_count: int, _total: int) -> bool:
    return False


def _agree(_count: int, _total: int) -> bool:
    return True


def _today() -> str:
    return f"trash/{utc_now():%Y%m%d}/"


def _finding(services: Services, name: str) -> health.Check:
    return next(check for check in health.check(services) if check.name == name)


def test_only_old_objects_without_a_row_go_and_into_the_trash(
    services: Services, engineer: Person, admin: Person
) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    data = encode_png(np.zeros((8, 8, 3), np.uint8))
    files = [records.IncomingFile("a.png", lambda: data)]
    list(uploads.add_images(services, engineer, product_id=product.id, image_type="normal", files=files))
    services.objects.put("images/normal/1/lost.png", b"lost")
    assert list_orphans(take_stock(services)) == []
    found = [info.key for info in list_orphans(take_stock(services), min_age=NOW)]
    assert found == ["images/normal/1/lost.png"]
    assert clean_up(services, admin, min_age=NOW) == 1
    assert len(stored_keys(services)) == 3
    assert services.objects.get(_today() + "images/normal/1/lost.png") == b"lost"
    assert list_orphans(take_stock(services), min_age=NOW) == []


@pytest.mark.parametrize(("lost", "collected"), [(10, 10), (11, 0)])
def test_no_more_than_a_twentieth_of_the_store_goes_without_a_person(
    services: Services, caplog: pytest.LogCaptureFixture, lost: int, collected: int
) -> None:
    add_stored_images(services, 95)
    keys = put_lost(services, lost)
    age(services)
    assert collect_orphans(services) == collected
    finding = _finding(services, "orphans")
    if collected:
        assert stored_keys(services, "trash/") == [_today() + key for key in keys]
        assert (finding.ok, finding.params["count"], finding.params["trashed"]) == (True, 0, 10)
    else:
        assert stored_keys(services, "trash/") == []
        assert "11 of 201 stored files are named by no row" in caplog.text
        assert (finding.ok, finding.code, finding.params["count"]) == (False, "check_orphans_many", 11)


def test_an_administrator_may_do_more_and_nobody_else(services: Services, engineer: Person, admin: Person) -> None:
    add_stored_images(services, 2)
    put_lost(services, 30)
    age(services)
    with pytest.raises(NotAllowed):
        clean_up(services, engineer)
    assert clean_up(services, admin) == 30
    assert len(stored_keys(services, "trash/")) == 30
    with services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "orphans.collected")).one()
    assert row.details == {"count": 30}


def test_the_trash_is_emptied_after_its_days_and_not_before(services: Services) -> None:
    add_stored_images(services, 40)
    (key,) = put_lost(services, 1)
    age(services)
    moved_at = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert collect_orphans(services, now=datetime.now(UTC)) == 1
    services.objects.move(_today() + key, f"trash/20260301/{key}")
    services.objects.put("trash/readme.txt", b"somebody else's")
    collect_orphans(services, now=moved_at + 7 * DAY)
    assert services.objects.exists(f"trash/20260301/{key}")
    collect_orphans(services, now=moved_at + timedelta(days=7, minutes=2))
    assert stored_keys(services, "trash/") == ["trash/readme.txt"]


def test_what_a_row_names_again_is_never_deleted_from_the_trash(services: Services) -> None:
    key, *_rest = add_stored_images(services, 3)
    age(services)
    services.objects.move(key, f"trash/20200101/{key}")
    collect_orphans(services)
    assert services.objects.exists(f"trash/20200101/{key}")


# --- when nothing is collected ---------------------------------------------------------------------------------------


def _foreign(services: Services) -> None:
    services.objects.put(identity.OBJECT_KEY, b'{"id": "another", "generation": 1}')


def _behind(services: Services) -> None:
    known = identity.establish(services).id
    services.objects.put(identity.OBJECT_KEY, f'{{"id": "{known}", "generation": 5}}'.encode())


def _young(services: Services) -> None:
    age(services, days=2, began_days=1.9)


@pytest.mark.parametrize(
    ("make", "kind", "code"),
    [
        (_foreign, Unavailable, "store_foreign"),
        (_behind, NotReady, "store_newer"),
        (_young, NotReady, "store_has_older"),
    ],
)
def test_nothing_is_collected_by_anybody_while_the_stores_do_not_agree(
    services: Services, admin: Person, caplog: pytest.LogCaptureFixture, make: object, kind: type[AppError], code: str
) -> None:
    add_stored_images(services, 40)
    put_lost(services, 1)
    age(services)
    services.objects.put("trash/20200101/images/normal/1/old.png", b"")
    make(services)  # type: ignore[operator]
    before = stored_keys(services)
    assert collect_orphans(services) == 0
    assert "nothing is collected" in caplog.text
    with pytest.raises(kind) as held:
        clean_up(services, admin)
    assert held.value.code == code
    done = repair(services, admin, ask=_agree)
    assert (done.held is not None, done.trashed, len(done.orphans)) == (True, 0, 1)
    assert stored_keys(services) == before
    findings = {check.name: check for check in health.check(services)}
    assert not findings["orphans"].ok
    assert findings["orphans"].params["count"] == 1
    assert findings["identity"].ok == (code == "store_has_older")


def test_nothing_is_collected_when_the_identity_cannot_be_read(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_stored_images(services, 40)
    put_lost(services, 1)
    age(services)

    def away(_self: object, _key: str) -> bytes:
        raise ObjectStoreError("object_store_unavailable", reason="timeout")

    monkeypatch.setattr(LocalObjects, "get", away)
    assert collect_orphans(services) == 0
    assert "nothing is collected" in caplog.text
    assert stored_keys(services, "trash/") == []


def test_what_was_adopted_stays_until_a_person_cleans_up(services: Services) -> None:
    add_stored_images(services, 100)
    adopted = put_lost(services, 5)
    age(services, began_days=1)
    person = command_line_person(services)
    pairing.adopt_store(services, person)
    later = utc_now() + 3 * DAY
    put_lost(services, 2, folder="manuals/1")
    assert collect_orphans(services, now=later) == 2
    assert [info.key for info in list_orphans(take_stock(services))] == adopted
    assert clean_up(services, person) == 5


def test_an_object_that_two_collect_at_once_is_no_fault(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    add_stored_images(services, 40)
    put_lost(services, 2)
    age(services)
    move = LocalObjects.move

    def raced(self: LocalObjects, key: str, new_key: str) -> None:
        move(self, key, new_key)
        if key.endswith("0000.png"):
            raise ObjectStoreError("object_missing", key=key)

    monkeypatch.setattr(LocalObjects, "move", raced)
    assert collect_orphans(services) == 1


def test_a_file_under_a_name_that_is_never_ours_stops_nothing(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    add_stored_images(services, 40)
    put_lost(services, 1)
    (objects_folder(services) / "images" / "normal" / "back\\slash").write_bytes(b"")
    age(services)
    assert collect_orphans(services) == 1
    assert "stays where it is" in caplog.text


# --- rows without their object ---------------------------------------------------------------------------------------


def test_what_a_row_names_and_is_not_there_is_found_with_its_name(services: Services) -> None:
    keys = add_stored_images(services, 5)
    assert find_missing(services) == []
    services.objects.delete(keys[1])
    (found,) = find_missing(services)
    assert (found.table, found.column, found.row_id) == ("images", "object_key", 2)
    assert (found.name, found.key) == ("plate_normal_00001.png", keys[1])
    finding = _finding(services, "missing")
    assert (finding.ok, finding.params) == (False, {"count": 1})


def _add_version(services: Services, prefix: str, byte_size: int) -> None:
    with services.database.unit_of_work() as session:
        session.add(
            ModelVersion(
                kind="memory_bank", scope="product:1", number=3, model_name="m", object_prefix=prefix,
                manifest_sha256="0" * 64, byte_size=byte_size, fingerprint="",
            )
        )  # fmt: skip
        session.commit()


@pytest.mark.parametrize("gone", ["models/memory_bank/1-1-a/manifest.json", "models/memory_bank/1-1-a/tensors"])
def test_a_bundle_is_missing_when_any_of_its_objects_is(services: Services, gone: str) -> None:
    add_stored_images(services, 20)
    services.objects.put("models/memory_bank/1-1-a/manifest.json", b"{}")
    services.objects.put("models/memory_bank/1-1-a/tensors", b"1234")
    _add_version(services, "models/memory_bank/1-1-a/", 6)
    assert find_missing(services) == []
    assert list_orphans(take_stock(services), min_age=NOW) == []
    services.objects.move(gone, f"trash/20260101/{gone}")
    (found,) = find_missing(services)
    assert (found.name, found.key) == ("memory_bank 3", "models/memory_bank/1-1-a/")
    done = repair(services, command_line_person(services), ask=_refuse)
    assert (done.restored, done.missing) == ([gone], [])


def test_an_object_that_comes_while_we_look_is_not_missing(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    (key,) = add_stored_images(services, 1)
    stock = take_stock(services)
    del stock.objects[key]
    assert find_missing(services, stock) == []


def test_the_newest_of_the_trash_comes_back_where_a_row_names_it(services: Services) -> None:
    key, other = add_stored_images(services, 2)
    for day, content in (("20260101", b"older"), ("20260102", b"newer")):
        services.objects.put(f"trash/{day}/{key}", content)
        services.objects.put(f"trash/{day}/images/nobody.png", content)
    services.objects.delete(key)
    done = repair(services, command_line_person(services), ask=_refuse)
    assert (done.restored, done.missing, done.trashed) == ([key], [], 0)
    assert services.objects.get(key) == b"newer"
    assert services.objects.get(other) == b"x"


def test_a_missing_thumbnail_is_made_again_from_its_picture_and_no_row_goes(
    services: Services, engineer: Person, admin: Person
) -> None:
    product = products.create_product(services, engineer, name="x", code="x")
    data = encode_png(np.full((300, 20, 3), 90, np.uint8))
    files = [records.IncomingFile("a.png", lambda: data)]
    list(uploads.add_images(services, engineer, product_id=product.id, image_type="normal", files=files))
    with services.database.reading() as session:
        row = session.exec(select(Image)).one()
    before = services.objects.get(row.thumbnail_key)
    services.objects.delete(row.thumbnail_key)
    (broken, *_others) = add_stored_images(services, 1)
    services.objects.delete("thumbnails/2/00000.jpg")
    done = repair(services, admin, ask=_refuse)
    assert done.remade == [row.thumbnail_key]
    assert services.objects.get(row.thumbnail_key) == before
    # A picture that cannot be read gives none, and stays named.
    assert [one.key for one in done.missing] == ["thumbnails/2/00000.jpg"]
    assert services.objects.exists(broken)
    with services.database.reading() as session:
        assert len(session.exec(select(col(Image.id))).all()) == 2


@pytest.mark.parametrize(("reply", "trashed"), [(_agree, 9), (_refuse, 0)])
def test_repair_asks_before_it_moves_more_than_goes_by_itself(
    services: Services, admin: Person, reply: object, trashed: int
) -> None:
    add_stored_images(services, 3)
    put_lost(services, 9)
    age(services)
    asked: list[tuple[int, int]] = []

    def ask(count: int, total: int) -> bool:
        asked.append((count, total))
        return bool(reply(count, total))  # type: ignore[operator]

    done = repair(services, admin, ask=ask)
    assert asked == [(9, 15)]
    assert (done.trashed, done.refused, len(done.orphans)) == (trashed, not trashed, 9)


def test_the_worker_says_what_it_collected(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    from core.worker.supervisor import ChildWorker

    add_stored_images(services, 40)
    put_lost(services, 1)
    age(services)
    with caplog.at_level(logging.INFO):
        ChildWorker(services).tidy()
    assert "1 orphaned objects moved to the trash" in caplog.text
    assert identity.require_pair(services).generation == 2
    assert orphans.MOST_PERCENT == 5
