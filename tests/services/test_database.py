"""What a unit of work promises, on SQLite, MariaDB and PostgreSQL alike."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import pi

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel, col, select

from core.transactions import LOCKED, retried, writing
from storage.database import Database, DatabaseError
from storage.tables import DefectType, Inspection, ModelVersion, Product, SystemConfig, ThresholdSetting, User
from tests.services.servers import MariaDbServer, PostgreSqlServer

pytestmark = pytest.mark.services

HARD_TEXT = "검사 ㈜한글 👩‍🏭🔩 \"quotes\" 'and' \\ back % slash\nline\ttab é ﬁ"


def _add_product(database: Database, code: str = "casting") -> int:
    with database.unit_of_work() as session:
        product = Product(code=code, name="주조A형")
        session.add(product)
        session.commit()
    return product.id


def _store(database: Database, row: SQLModel) -> None:
    with database.unit_of_work() as session:
        session.add(row)
        session.commit()


def _refusal(action: Callable[..., object], *arguments: object) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        action(*arguments)
    return caught.value


def _codes(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Product.code).order_by(col(Product.code))))


def test_text_moments_json_and_doubles_come_back_exactly(database: Database) -> None:
    seoul = timezone(timedelta(hours=9))
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=seoul)
    big = {"목록": [{"x": index, "점수": index / 7, "글": "가나다🔩"} for index in range(20_000)], "null": None}
    score = 0.1 + 0.2
    with database.unit_of_work() as session:
        product = Product(code="casting", name=HARD_TEXT[:60], description=HARD_TEXT * 3000, created_at=moment)
        version = ModelVersion(
            kind="memory_bank", scope="product:1", number=1, model_name="m", object_prefix="p",
            manifest_sha256="0" * 64, byte_size=2**40, fingerprint="0" * 64, sources=big,
        )  # fmt: skip
        session.add_all([product, version])
        session.flush()
        threshold = ThresholdSetting(
            model_version_id=version.id, review_at=score, reject_at=pi * 1e200, method="f1_max"
        )
        session.add(threshold)
        session.commit()
    with database.reading() as session:
        found = session.exec(select(Product)).one()
        found_version = session.exec(select(ModelVersion)).one()
        found_threshold = session.exec(select(ThresholdSetting)).one()
    assert (found.name, found.description) == (HARD_TEXT[:60], HARD_TEXT * 3000)
    assert found.created_at == moment
    assert found.created_at.tzinfo is UTC
    assert found_version.sources == big
    assert found_version.byte_size == 2**40
    assert (found_threshold.review_at, found_threshold.reject_at) == (score, pi * 1e200)


def test_moments_are_compared_and_ordered_as_moments(database: Database) -> None:
    base = datetime(2026, 1, 1, tzinfo=UTC)
    with database.unit_of_work() as session:
        for number in range(5):
            moment = base + timedelta(microseconds=number)
            session.add(Product(code=f"p{number}", name="", created_at=moment))
        session.commit()
    with database.reading() as session:
        later = select(Product.code).where(Product.created_at > base + timedelta(microseconds=2))
        assert sorted(session.exec(later)) == ["p3", "p4"]


def test_what_is_not_committed_is_not_kept(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(Product(code="forgotten", name=""))
        session.flush()
    with contextlib.suppress(KeyError), database.unit_of_work() as session:
        session.add(Product(code="failed", name=""))
        session.flush()
        raise KeyError
    assert _codes(database) == []


def test_rows_can_be_used_after_the_work_is_over(database: Database) -> None:
    product_id = _add_product(database)
    with database.reading() as session:
        product = session.get(Product, product_id)
    assert product is not None
    assert (product.code, product.row_version) == ("casting", 1)


def test_a_write_while_reading_is_refused(database: Database) -> None:
    _add_product(database)

    def write_while_reading() -> None:
        with database.reading() as session:
            session.exec(update(Product).values(name="changed"))
            session.commit()

    assert _refusal(write_while_reading).params["reason"] == "read_only"
    # The connection goes back to the pool fit for writing.
    for number in range(12):
        _add_product(database, f"later-{number}")


@pytest.mark.parametrize(
    ("row", "code", "reason", "constraint"),
    [
        (lambda: Product(code="casting", name=""), "database_conflict", "unique", "uq_products_code"),
        (lambda: DefectType(product_id=987, code="x", name_ko="x"), "database_conflict", "foreign_key", None),
        (lambda: User(login="kim", display_name="", role="boss"), "database_rejected", "check", None),
        (
            lambda: Product(code="null", name=None),  # type: ignore[arg-type]
            "database_rejected",
            "not_null",
            None,
        ),
    ],
)
def test_refusals_have_the_same_names_everywhere(
    database: Database, row: Callable[[], SQLModel], code: str, reason: str, constraint: str | None
) -> None:
    _add_product(database)
    refusal = _refusal(_store, database, row())
    assert (refusal.code, refusal.params["reason"]) == (code, reason)
    assert refusal.params.get("constraint") == constraint
    assert _codes(database) == ["casting"]


def test_too_long_text_is_refused_rather_than_cut(database: Database) -> None:
    if "sqlite" in repr(database):
        pytest.skip("SQLite keeps text of any length")
    refusal = _refusal(_store, database, SystemConfig(key="k" * 65))
    assert (refusal.code, refusal.params["reason"]) == ("database_rejected", "too_long")


def test_codes_that_differ_by_case_or_accent_are_different(database: Database) -> None:
    for code in ("abc", "ABC", "ábc", "🔩", "🔧"):
        _add_product(database, code)
    assert len(_codes(database)) == 5


def test_only_one_version_can_be_active(database: Database) -> None:
    def version(number: int, active_key: str | None) -> ModelVersion:
        return ModelVersion(
            kind="memory_bank", scope="product:1", number=number, model_name="m", object_prefix="p",
            manifest_sha256="0" * 64, fingerprint="0" * 64, active_key=active_key,
        )  # fmt: skip

    with database.unit_of_work() as session:
        session.add_all([version(1, None), version(2, None), version(3, "memory_bank:1")])
        session.commit()
    refusal = _refusal(_store, database, version(4, "memory_bank:1"))
    assert refusal.params["constraint"] == "uq_model_versions_active_key"


def test_threads_that_claim_the_same_row_get_it_once_each(database: Database) -> None:
    product_id = _add_product(database)
    wins: list[int] = []

    def claim(number: int) -> None:
        for _ in range(10):
            with database.unit_of_work() as session:
                changed = session.exec(
                    update(Product)
                    .where(col(Product.id) == product_id, col(Product.row_version) == number)
                    .values(row_version=number + 1)
                )
                session.commit()
                if changed.rowcount == 1:
                    wins.append(number)
                    return

    for number in range(1, 6):
        threads = [threading.Thread(target=claim, args=(number,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wins == [1, 2, 3, 4, 5]


def test_a_row_that_changed_since_it_was_read_is_never_written_over(database: Database) -> None:
    product_id = _add_product(database)
    with database.reading() as session:
        seen = session.get(Product, product_id)
    assert seen is not None
    with database.unit_of_work() as session:
        session.exec(update(Product).where(col(Product.id) == product_id).values(name="first", row_version=2))
        session.commit()

    def save_what_was_seen() -> None:
        with database.unit_of_work() as session:
            session.add(seen)
            seen.name, seen.row_version = "second", 2
            session.commit()

    refusal = _refusal(save_what_was_seen)
    assert (refusal.code, refusal.params["reason"]) == ("database_conflict", "stale")
    with database.reading() as session:
        assert session.exec(select(Product.name)).one() == "first"


@dataclass(frozen=True)
class _Opened:
    database: Database


@pytest.mark.parametrize("database_url", ["mariadb", "postgresql"], indirect=True)
def test_of_two_that_wait_for_each_other_both_succeed_in_the_end(database: Database) -> None:
    ids = [_add_product(database, code) for code in ("a", "b")]
    meeting, tries, problems = threading.Barrier(2), [0, 0], list[BaseException]()

    @retried
    def lock_both(place: int) -> None:
        tries[place] += 1
        with writing(_Opened(database)) as session:
            for number in ids if place == 0 else reversed(ids):
                row = session.get(Product, number, with_for_update=LOCKED)
                assert row is not None
                row.description += f"{place}"
                session.flush()
                if tries[place] == 1 and number == (ids if place == 0 else ids[::-1])[0]:
                    meeting.wait(30)
            session.commit()

    def run(place: int) -> None:
        try:
            lock_both(place)
        except BaseException as error:  # noqa: BLE001 - named below
            problems.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sum(tries) == 3  # one of them was ended by the server, and tried again
    with database.reading() as session:
        assert {"".join(sorted(text)) for text in session.exec(select(Product.description))} == {"01"}


def test_a_reader_is_not_kept_waiting_by_a_writer(database: Database) -> None:
    _add_product(database)
    with database.unit_of_work() as writer:
        writer.add(Product(code="new", name=""))
        writer.flush()
        started_s = time.monotonic()
        assert _codes(database) == ["casting"]
        assert time.monotonic() - started_s < 1
        writer.commit()
    assert _codes(database) == ["casting", "new"]


def test_a_wrong_password_is_told_and_never_shown(
    mariadb_url: str, postgresql_url: str, mariadb_server: MariaDbServer, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (mariadb_url, postgresql_url):
        name, _, rest = url.partition("geomsa:")
        database = Database(f"{name}geomsa:Secret-Word@{rest.rpartition('@')[2]}", echo=True)
        with pytest.raises(DatabaseError) as caught:
            database.check()
        database.dispose()
        assert caught.value.code == "database_unavailable"
        assert "Secret-Word" not in f"{database!r} {caught.value} {caught.value.__cause__} {caplog.text}"


@pytest.mark.parametrize("database_url", ["mariadb", "postgresql"], indirect=True)
def test_work_goes_on_after_the_server_was_away(database: Database, request: pytest.FixtureRequest) -> None:
    kind = "mariadb" if "pymysql" in repr(database) else "postgresql"
    server: MariaDbServer | PostgreSqlServer = request.getfixturevalue(f"{kind}_server")
    _add_product(database, "before")

    def lose_the_server() -> None:
        with database.unit_of_work() as session:
            session.add(Product(code="lost", name=""))
            session.flush()
            server.stop()
            session.commit()

    try:
        lost = _refusal(lose_the_server)
        started_s = time.monotonic()
        away = _refusal(database.check)
        waited_s = time.monotonic() - started_s
    finally:
        server.stop()
        server.start()
    assert lost.code == away.code == "database_unavailable"
    assert waited_s < 6
    _add_product(database, "after")
    assert _codes(database) == ["after", "before"]


def test_a_hundred_thousand_inspections_are_paged_by_index(database: Database) -> None:
    # The listing's three orders are served by an index on every database: no sort of the whole table.
    statement = (
        select(Inspection.id)
        .where(col(Inspection.product_id) == 1)
        .order_by(col(Inspection.created_at).desc())
        .limit(50)
    )
    with database.reading() as session:
        dialect = session.connection().dialect
        sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
        if dialect.name == "postgresql":
            session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = str(session.connection().exec_driver_sql(f"{explain} {sql}").all())
    assert "ix_inspections_product_time" in plan
