"""The identity of database and object store: written once, agreeing, foreign, missing, behind."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from pathlib import Path

import pytest
from sqlmodel import select

from core import identity
from core.access import Person
from core.accounts.people import command_line_person
from core.errors import AppError, Conflict, NotAllowed, NotReady, Unavailable
from core.identity import KEY, OBJECT_KEY
from core.messages import MESSAGES
from core.operations import pairing
from core.services import Services, build_services
from core.settings import Settings
from storage.local_objects import LocalObjects
from storage.objects import ObjectStoreError
from storage.tables import AuditLog, SystemConfig
from tests.databases import place_database
from tests.stored import add_stored_images, age, objects_folder, put_lost, stored_keys


def _value(services: Services) -> dict[str, object]:
    with services.database.reading() as session:
        row = session.get(SystemConfig, KEY)
    return {} if row is None else row.value


def _mark(services: Services) -> dict[str, object]:
    found: dict[str, object] = json.loads(services.objects.get(OBJECT_KEY))
    return found


def _delete_row(services: Services) -> None:
    with services.database.unit_of_work() as session:
        session.delete(session.get_one(SystemConfig, KEY))
        session.commit()


def test_the_first_start_writes_both_and_the_next_changes_neither(services: Services) -> None:
    first = _value(services)
    assert _mark(services) == {"id": first["id"], "generation": 1}
    again = build_services(services.settings)
    assert (_value(again), _mark(again)) == (first, {"id": first["id"], "generation": 1})
    again.database.dispose()


def test_processes_that_start_side_by_side_agree_on_one_identity(settings: Settings, database_template: Path) -> None:
    place_database(database_template, settings.data_dir)
    barrier = threading.Barrier(6)
    found: list[object] = []

    def start() -> None:
        barrier.wait()
        built = build_services(settings)
        found.append((_value(built)["id"], _mark(built)["id"]))
        built.database.dispose()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_rival_s_row_wins_over_our_insert(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    rival = _value(services)["id"]
    objects_folder(services).joinpath(OBJECT_KEY).unlink()
    # As if the row came between our look and our insert.
    looks = iter([None])
    read_row = identity.read_row
    monkeypatch.setattr(identity, "read_row", lambda services: next(looks, read_row(services)))
    assert identity.establish(services).id == rival
    assert _mark(services)["id"] == rival


def test_a_folder_of_the_version_before_gets_its_identity_once(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    add_stored_images(services, 3)
    with services.database.reading() as session:
        began = identity.earliest_moment(session)
    _delete_row(services)
    services.objects.delete(OBJECT_KEY)
    with caplog.at_level(logging.INFO, "core.identity"):
        for _ in range(2):
            build_services(services.settings).database.dispose()
    assert [record.getMessage() for record in caplog.records] == [
        f"this installation gets an identity: {services.objects.describe()}"
    ]
    assert _value(services)["began_at"] == began.isoformat()
    assert _mark(services)["id"] == _value(services)["id"]


def test_a_lost_mark_is_written_again_when_the_files_are_there(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    add_stored_images(services, 3)
    services.objects.delete(OBJECT_KEY)
    build_services(services.settings).database.dispose()
    assert _mark(services)["id"] == _value(services)["id"]
    assert "had lost its identity" in caplog.text


def test_a_crash_between_row_and_mark_stops_no_start(services: Services) -> None:
    services.objects.delete(OBJECT_KEY)
    build_services(services.settings).database.dispose()
    assert _mark(services)["id"] == _value(services)["id"]


def _other_id(services: Services) -> None:
    services.objects.put(OBJECT_KEY, b'{"id": "another", "generation": 1}')


def _garbage(services: Services) -> None:
    services.objects.put(OBJECT_KEY, b"\x00")


def _new_database(services: Services) -> None:
    _delete_row(services)


def _new_database_of_before(services: Services) -> None:
    put_lost(services, 2)
    _delete_row(services)
    services.objects.delete(OBJECT_KEY)


def _moved_files(services: Services) -> None:
    add_stored_images(services, 2)
    put_lost(services, 2)
    for folder in ("images/normal/1", "thumbnails"):
        shutil.rmtree(objects_folder(services) / folder)
    services.objects.delete(OBJECT_KEY)


@pytest.mark.parametrize("make", [_other_id, _garbage, _new_database, _new_database_of_before, _moved_files])
def test_a_store_of_another_database_stops_the_start_and_nothing_changes(services: Services, make: object) -> None:
    make(services)  # type: ignore[operator]
    before = (_value(services), {key: services.objects.get(key) for key in [i.key for i in services.objects.list()]})
    with pytest.raises(Unavailable) as refused:
        build_services(services.settings)
    assert refused.value.code == "store_foreign"
    for language in ("en", "ko"):
        sentence = refused.value.sentence(language)
        assert "--adopt" in sentence
        assert "--new-store" in sentence
        assert "{" not in sentence
    after = (_value(services), {key: services.objects.get(key) for key in [i.key for i in services.objects.list()]})
    assert after == before


@pytest.mark.parametrize("with_row", [True, False])
def test_an_empty_store_beside_a_database_that_names_files_stops_the_start(services: Services, with_row: bool) -> None:
    add_stored_images(services, 2)
    shutil.rmtree(objects_folder(services))
    if not with_row:
        _delete_row(services)
    with pytest.raises(Unavailable) as refused:
        build_services(services.settings)
    assert refused.value.code == "store_empty"
    assert "--new-store" in refused.value.sentence("en")
    assert list(objects_folder(services).rglob("*.json")) == []


def test_a_store_that_is_away_stops_no_start_and_is_told(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_self: object, _key: str) -> bytes:
        raise ObjectStoreError("object_store_unavailable", reason="timeout")

    monkeypatch.setattr(LocalObjects, "get", away)
    build_services(services.settings).database.dispose()
    assert "could not be checked: object_store_unavailable" in caplog.text
    with pytest.raises(Unavailable, match="does not answer"):
        identity.require_pair(services)
    assert not identity.is_pair(services)


def test_each_step_raises_the_generation_of_both(services: Services) -> None:
    identity.raise_generation(services)
    identity.raise_generation(services)
    assert (_value(services)["generation"], _mark(services)["generation"]) == (3, 3)


def test_a_store_that_fell_behind_is_no_fault_and_catches_up(services: Services) -> None:
    identity.raise_generation(services)
    services.objects.put(OBJECT_KEY, json.dumps({"id": _value(services)["id"], "generation": 1}).encode())
    assert not identity.require_pair(services).is_behind
    identity.raise_generation(services)
    assert _mark(services)["generation"] == 3


def test_a_database_older_than_its_store_starts_and_is_told(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    services.objects.put(OBJECT_KEY, json.dumps({"id": _value(services)["id"], "generation": 9}).encode())
    build_services(services.settings).database.dispose()
    assert "older than the object store (generation 9)" in caplog.text
    for call in (identity.require_pair, identity.raise_generation):
        with pytest.raises(NotReady) as held:
            call(services)
        assert held.value.code == "store_newer"
    assert _value(services)["generation"] == 1


def test_a_copy_from_before_there_were_identities_is_older_than_its_store(services: Services) -> None:
    add_stored_images(services, 2)
    _delete_row(services)
    assert identity.establish(services).is_behind
    build_services(services.settings).database.dispose()
    with pytest.raises(NotReady):
        identity.require_pair(services)


# --- what a person decides -------------------------------------------------------------------------------------------


def test_adopting_makes_a_pair_and_is_recorded(services: Services) -> None:
    _other_id(services)
    put_lost(services, 3)
    person = command_line_person(services)
    assert pairing.adopt_store(services, person) == pairing.Adoption(objects=3, unnamed=3)
    found = identity.require_pair(services)
    assert (found.generation, found.adopted_at is not None) == (2, True)
    assert len(stored_keys(services)) == 3
    with services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "store.adopted")).one()
    assert (row.user_id, row.details["objects"], row.details["unnamed"]) == (person.id, 3, 3)


def test_adopting_goes_on_with_an_older_database(services: Services) -> None:
    services.objects.put(OBJECT_KEY, json.dumps({"id": _value(services)["id"], "generation": 9}).encode())
    pairing.adopt_store(services, command_line_person(services))
    assert identity.require_pair(services).generation == 10


def test_a_new_store_sets_the_files_aside_untouched(services: Services) -> None:
    _other_id(services)
    keys = put_lost(services, 3)
    aside = pairing.begin_new_store(services, command_line_person(services))
    assert aside is not None
    assert aside.parent == services.settings.data_dir
    assert aside.name.startswith("objects-set-aside-")
    assert all((aside / key).read_bytes() == b"lost" for key in keys)
    assert json.loads((aside / OBJECT_KEY).read_text())["id"] == "another"
    again = build_services(services.settings)
    assert stored_keys(again) == []
    again.database.dispose()


def test_a_new_store_in_the_place_of_one_that_is_empty(services: Services) -> None:
    add_stored_images(services, 2)
    shutil.rmtree(objects_folder(services))
    opened = build_services(services.settings, verify_store=False)
    assert pairing.begin_new_store(opened, command_line_person(opened)) is None
    again = build_services(services.settings)
    assert identity.require_pair(again).generation == 2
    for one in (opened, again):
        one.database.dispose()


def test_files_of_the_database_itself_are_not_set_aside(services: Services) -> None:
    add_stored_images(services, 2)
    with pytest.raises(Conflict) as refused:
        pairing.begin_new_store(services, command_line_person(services))
    assert refused.value.code == "store_agrees"
    assert len(stored_keys(services)) == 4


def test_a_folder_that_cannot_be_renamed_is_told(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    put_lost(services, 1)
    _other_id(services)

    def busy(_self: Path, _target: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(Conflict) as refused:
        pairing.begin_new_store(services, command_line_person(services))
    assert refused.value.code == "new_store_kept"
    assert "busy" in refused.value.sentence("en")
    assert len(stored_keys(services)) == 1


def test_only_an_administrator_decides(services: Services, engineer: Person) -> None:
    for decide in (pairing.adopt_store, pairing.begin_new_store):
        with pytest.raises(NotAllowed):
            decide(services, engineer)


def test_every_refusal_has_a_sentence() -> None:
    codes = ("store_foreign", "store_empty", "store_newer", "store_has_older", "store_agrees", "new_store_bucket")
    assert all(code in MESSAGES and AppError(code).sentence("ko") != MESSAGES[code] for code in codes)


def test_a_start_reads_one_object_and_one_row(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    add_stored_images(services, 3)
    age(services)
    asked: list[str] = []
    for name in ("get", "exists", "list", "put", "size"):
        method = getattr(LocalObjects, name)

        def counted(self: LocalObjects, *given: object, name: str = name, method: object = method, **more: object):  # type: ignore[no-untyped-def]
            asked.append(name)
            return method(self, *given, **more)  # type: ignore[operator]

        monkeypatch.setattr(LocalObjects, name, counted)
    build_services(services.settings).database.dispose()
    assert asked == ["get"]
