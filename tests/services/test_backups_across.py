"""A backup of one kind of database and store, restored into another: every row and object, and the same verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from core.accounts.people import open_person
from core.backups import sealing
from core.backups.backing_up import back_up
from core.backups.restoring import restore_backup
from core.identity import FOLDERS, require_pair
from core.operations.stored_objects import find_missing
from core.services import Services, build_services
from core.settings import S3Settings, Settings, read_settings
from storage.tables import METADATA, Product
from tests.filled_tables import fill_tables, name_objects
from tests.plates import deploy, ingest_plates
from tests.restored_verdicts import give_verdicts
from tests.services.servers import S3Server

pytestmark = [pytest.mark.services, pytest.mark.full, pytest.mark.xdist_group("worker")]

_CHANGED = {"sessions", "workers", "system_config", "sign_in_codes", "backups", "audit_log", "users", "audit_chain"}


def _settings(request: pytest.FixtureRequest, folder: Path, database: str, store: str) -> Settings:
    settings = read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"})
    if database != "sqlite":
        settings = replace(settings, database_url=request.getfixturevalue(f"{database}_url"))
    if store == "s3":
        server: S3Server = request.getfixturevalue("empty_s3_server")
        keys = {"access_key": S3Server.access_key, "secret_key": S3Server.secret_key}
        s3 = S3Settings(endpoint=server.endpoint, bucket=S3Server.bucket, region="kr-standard", **keys)
        settings = replace(settings, object_store="s3", s3=s3)
    return replace(settings, backup_key="a key for the tests")


def _rows(services: Services, name: str) -> list[dict[str, object]]:
    table = METADATA.tables[name]
    with services.database.reading() as session:
        return [dict(row) for row in session.execute(select(table).order_by(*table.primary_key)).mappings()]


@pytest.fixture
def opened() -> Iterator[list[Services]]:
    made: list[Services] = []
    yield made
    for one in made:
        one.database.dispose()


@pytest.mark.parametrize(
    ("source", "source_store", "target", "target_store"),
    [
        ("sqlite", "local", "postgresql", "local"),
        ("mariadb", "local", "sqlite", "s3"),
        ("postgresql", "s3", "mariadb", "local"),
    ],
)
def test_every_row_and_object_comes_into_another_kind(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    opened: list[Services],
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    source_store: str,
    target: str,
    target_store: str,
) -> None:
    monkeypatch.setitem(sealing.SCRYPT, "n", 1 << 8)
    services = build_services(_settings(request, tmp_path / "source", source, source_store), migrate=True)
    opened.append(services)
    made_rows = fill_tables(services, "row")
    (tmp_path / "backups").mkdir()
    first = back_up(services, open_person(services, "admin"), tmp_path / "backups")
    services.objects.put("images/row/later.png", b"later")
    last = back_up(services, open_person(services, "admin"), tmp_path / "backups", incremental=True)
    assert first.made.manifest.missing == last.made.manifest.missing == ()
    before = {name: _rows(services, name) for name in METADATA.tables}
    settings = _settings(request, tmp_path / "target", target, target_store)
    restore_backup(settings, last.made.path, settings.backup_key)
    again = build_services(settings)
    opened.append(again)
    for name in METADATA.tables:
        if name not in _CHANGED:
            assert _rows(again, name) == before[name], name
    keys = [info.key for folder in FOLDERS for info in again.objects.list(folder)]
    assert sorted(keys) == sorted(set(name_objects(made_rows, "row")))
    assert find_missing(again) == []
    assert require_pair(again).id == require_pair(services).id
    # What comes next has a number of its own.
    with again.database.unit_of_work() as session:
        product = Product(code="next", name="next")
        session.add(product)
        session.commit()
        assert product.id > made_rows["products"]["id"]
    # Into one that is not empty: the rows go, triggers and functions with them.
    again.database.dispose()
    restore_backup(settings, first.made.path, settings.backup_key, replace=True)
    third = build_services(settings)
    opened.append(third)
    assert len(_rows(third, "products")) == 1


@pytest.mark.parametrize(
    ("source", "target", "target_store"),
    [("sqlite", "postgresql", "s3"), ("mariadb", "sqlite", "local")],
)
def test_a_deployed_product_gives_the_same_verdicts_on_another_kind(
    request: pytest.FixtureRequest, tmp_path: Path, opened: list[Services], source: str, target: str, target_store: str
) -> None:
    services = build_services(_settings(request, tmp_path / "source", source, "local"), migrate=True)
    opened.append(services)
    product = ingest_plates(services, tmp_path)
    deploy(services, product.id)
    before = give_verdicts(services)
    made = back_up(services, open_person(services, "admin"), tmp_path / "all.geomsa").made
    settings = _settings(request, tmp_path / "target", target, target_store)
    restore_backup(settings, made.path, settings.backup_key)
    again = build_services(settings)
    opened.append(again)
    assert give_verdicts(again) == before
