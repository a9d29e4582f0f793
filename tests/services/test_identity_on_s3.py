"""Database and bucket as a pair: written at the first start, refused when foreign, collected into its trash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core import identity
from core.accounts.people import command_line_person
from core.errors import Conflict, Unavailable
from core.operations import pairing
from core.operations.orphans import collect_orphans
from core.operations.repair import repair
from core.services import Services, build_services
from core.settings import Settings
from storage.tables import Manual, Product, utc_now
from tests.plates import folder_settings
from tests.services.servers import S3Server
from tests.stored import stored_keys

pytestmark = pytest.mark.services


def _settings(server: S3Server, folder: Path) -> Settings:
    return folder_settings(
        folder,
        GEOMSA_OBJECT_STORE="s3",
        GEOMSA_S3_ENDPOINT=server.endpoint,
        GEOMSA_S3_BUCKET=server.bucket,
        GEOMSA_S3_ACCESS_KEY=server.access_key,
        GEOMSA_S3_SECRET_KEY=server.secret_key,
    )


@pytest.fixture
def on_s3(empty_s3_server: S3Server, tmp_path: Path) -> Iterator[Services]:
    built = build_services(_settings(empty_s3_server, tmp_path / "data"), migrate=True)
    yield built
    built.database.dispose()


def _add_manuals(services: Services, count: int) -> list[str]:
    keys = [f"manuals/1/{number:03}.pdf" for number in range(count)]
    assert services.objects.put_many((key, b"%PDF") for key in keys) == {}
    with services.database.unit_of_work() as session:
        session.add(Product(code="plate", name="Plate"))
        session.flush()
        session.add_all(
            Manual(product_id=1, title=key, original_name=key, object_key=key, byte_size=4, content_sha256=key)
            for key in keys
        )
        session.commit()
    return keys


def test_another_database_is_refused_and_may_adopt_but_not_set_a_bucket_aside(
    on_s3: Services, empty_s3_server: S3Server, tmp_path: Path
) -> None:
    _add_manuals(on_s3, 2)
    settings = _settings(empty_s3_server, tmp_path / "new")
    with pytest.raises(Unavailable) as refused:
        build_services(settings, migrate=True)
    assert refused.value.code == "store_foreign"
    assert empty_s3_server.secret_key not in refused.value.sentence("en")
    opened = build_services(settings, migrate=True, verify_store=False)
    person = command_line_person(opened)
    with pytest.raises(Conflict) as kept:
        pairing.begin_new_store(opened, person)
    assert kept.value.code == "new_store_bucket"
    assert pairing.adopt_store(opened, person) == pairing.Adoption(objects=2, unnamed=2)
    assert identity.require_pair(opened).store_generation == 2
    opened.database.dispose()


def test_orphans_go_to_the_trash_of_the_bucket_and_come_back(on_s3: Services) -> None:
    keys = _add_manuals(on_s3, 40)
    on_s3.objects.put("manuals/1/lost.pdf", b"lost")
    assert collect_orphans(on_s3, now=utc_now() + timedelta(days=2)) == 1
    (trashed,) = stored_keys(on_s3, "trash/")
    assert trashed.endswith("/manuals/1/lost.pdf")
    on_s3.objects.move(keys[3], f"trash/20260101/{keys[3]}")
    done = repair(on_s3, command_line_person(on_s3), ask=lambda _count, _total: False)
    assert (done.restored, done.missing) == ([keys[3]], [])
    assert on_s3.objects.get(keys[3]) == b"%PDF"


def test_a_bucket_that_is_away_stops_no_start(on_s3: Services, empty_s3_server: S3Server) -> None:
    empty_s3_server.stop()
    try:
        again = build_services(on_s3.settings)
        with pytest.raises(Unavailable) as away:
            collect_orphans(again)
        assert away.value.code == "object_store_unavailable"
        again.database.dispose()
    finally:
        empty_s3_server.start()
    assert not identity.establish(on_s3).is_behind
