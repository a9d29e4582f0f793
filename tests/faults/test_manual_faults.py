"""Manuals when files are hostile and stores fail at any step: the old state or the new one, and nothing orphaned."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.access import Person
from core.accounts.people import command_line_person
from core.catalog import products
from core.deployments import pipeline
from core.errors import AppError
from core.jobs import claims
from core.manuals.library import delete_manual, list_manuals, read_manual
from core.models.kinds import MANUAL_INDEX
from core.operations.orphans import clean_up
from core.registry.versions import active_version
from core.services import Services
from storage.database import Database, DatabaseError
from storage.local_objects import LocalObjects
from storage.objects import ObjectStoreError
from tests.manual_files import add, given, scratch_manual
from tests.plates import submit_and_claim
from tests.stored import stored_keys

KIND = MANUAL_INDEX
MOST_STEPS = 60
NOW = timedelta(seconds=-60)


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return products.create_product(services, engineer, name="Plate", code="plate").id


def _pdf(*bodies: bytes) -> bytes:
    """Return a file whose objects are taken as they are; the table of objects is left to the reader to rebuild."""
    parts = [b"%d 0 obj\n%s\nendobj\n" % (number, body) for number, body in enumerate(bodies, start=1)]
    return b"%PDF-1.7\n" + b"".join(parts) + b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"


def _stream(content: bytes, header: bytes = b"/Filter /FlateDecode") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), header, content)


def hostile_files() -> dict[str, bytes]:
    """Return what an attacker may send as a manual."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>"
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    bomb = zlib.compress(b"BT (x) Tj ET\n" * 30_000_000, 9)
    return {
        "circle.pdf": _pdf(catalog, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
        "bomb.pdf": _pdf(catalog, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, _stream(bomb)),
        "deep.pdf": _pdf(catalog, b"<< /Type /Pages /Kids " + b"[" * 100_000 + b"]" * 100_000 + b" /Count 1 >>"),
        "no_root.pdf": b"%PDF-1.4\nstartxref\n99999999\n%%EOF\n",
        "many.pdf": _pdf(catalog, b"<< /Type /Pages /Kids [] /Count 2147483647 >>"),
        "html.pdf": b"<html><script>alert(1)</script></html>",
    }


def test_hostile_files_are_refused_by_name_and_leave_nothing(
    services: Services, engineer: Person, product_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setattr("core.manuals.ingest.READ_TIMEOUT_S", 5)
    files = [given(name, content) for name, content in hostile_files().items()]
    outcomes = add(services, engineer, product_id, *files, given("good.pdf", scratch_manual()))
    assert [one.outcome for one in outcomes] == ["refused"] * len(files) + ["added"]
    for one in outcomes[:-1]:
        assert one.error is not None
        assert one.error.code.startswith("pdf_")
        assert one.name in one.error.sentence("ko")
    assert [one.manual.original_name for one in list_manuals(services)] == ["good.pdf"]
    assert len(stored_keys(services)) == 1
    assert list(scratch.iterdir()) == []


class _Failing:
    """Lets the n-th call of one of several methods fail; `spent` says whether it came to that."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.spent = False

    def step(self) -> bool:
        self._left -= 1
        self.spent = self.spent or self._left == 0
        return self._left == 0


def _fail_database(patch: pytest.MonkeyPatch, failing: _Failing) -> None:
    for name in ("unit_of_work", "reading"):
        opened = getattr(Database, name)

        @contextlib.contextmanager
        def open_or_fail(self: Database, *, opened: Any = opened, **options: Any) -> Iterator[Any]:
            if failing.step():
                raise DatabaseError("database_unavailable", reason="unreachable")
            with opened(self, **options) as session:
                yield session

        patch.setattr(Database, name, open_or_fail)


def _fail_objects(patch: pytest.MonkeyPatch, failing: _Failing) -> None:
    for name in ("put", "put_file", "get", "get_to_file", "delete", "delete_prefix", "list"):
        method = getattr(LocalObjects, name)

        def call_or_fail(self: LocalObjects, *arguments: Any, method: Any = method, **options: Any) -> Any:
            if failing.step():
                raise ObjectStoreError("object_store_unavailable", reason="io")
            return method(self, *arguments, **options)

        patch.setattr(LocalObjects, name, call_or_fail)


STORES = pytest.mark.parametrize("fail", [_fail_database, _fail_objects], ids=["database", "objects"])


def _assert_whole(services: Services, product_id: int) -> None:
    """Assert that every row has its object, that what is in use can be opened, and that collecting leaves no orphan."""
    for view in list_manuals(services):
        read_manual(services, view.manual)
    with services.database.reading() as session:
        active = active_version(session, KIND, product_id)
    if active is not None:
        services.models.evict(active)
        services.models.verify(active)
    clean_up(services, command_line_person(services), min_age=NOW)
    named = len(list_manuals(services))
    assert len(stored_keys(services, "manuals/")) == named


@STORES
def test_adding_and_deleting_survive_a_failure_at_every_step(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch, fail: Any
) -> None:
    for number in range(1, MOST_STEPS):
        failing = _Failing(number)
        content = scratch_manual(number)
        with monkeypatch.context() as patch:
            fail(patch, failing)
            with contextlib.suppress(AppError):
                (outcome,) = add(services, engineer, product_id, given("m.pdf", content))
                delete_manual(services, engineer, outcome.manual_id or 0)
        _assert_whole(services, product_id)
        if not failing.spent:
            return
        for view in list_manuals(services):
            delete_manual(services, engineer, view.manual.id)
    pytest.fail("the failure was reached on every try")


@pytest.fixture
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each content once: the reader has no store to fail with, and its result for a content stays the same."""
    from inference.language import pdf_text

    read, known = pdf_text.read_pdf, {}

    def read_or_recall(content: bytes, **options: Any) -> pdf_text.PdfText:
        if content not in known:
            known[content] = read(content, **options)
        return known[content]

    monkeypatch.setattr(pdf_text, "read_pdf", read_or_recall)


@pytest.mark.usefixtures("_read_once")
@STORES
def test_a_build_survives_a_failure_at_every_step(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch, fail: Any
) -> None:
    add(services, engineer, product_id, given("m.pdf", scratch_manual()))
    for number in range(1, MOST_STEPS):
        add(services, engineer, product_id, given("n.pdf", scratch_manual(1)))
        failing = _Failing(number)
        _job_id, claim = submit_and_claim(services, engineer, KIND, product_id)
        with monkeypatch.context() as patch:
            fail(patch, failing)
            with contextlib.suppress(AppError, DatabaseError, ObjectStoreError):
                pipeline.work_off(services, claim)
        claims.finish(services, claim, state="succeeded")
        _assert_whole(services, product_id)
        if not failing.spent:
            with services.database.reading() as session:
                assert active_version(session, KIND, product_id) is not None
            return
        newest = list_manuals(services, product_id)[0]
        delete_manual(services, engineer, newest.manual.id)
    pytest.fail("the failure was reached on every try")
