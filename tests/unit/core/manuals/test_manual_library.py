"""The manual library: what is ingested, what is refused and why, and what stays when something fails."""

from __future__ import annotations

import pytest
from sqlmodel import select

from core.access import Person
from core.catalog import products
from core.errors import AppError, BadInput, NotAllowed, NotFound, Unavailable
from core.manuals.library import add_manuals, delete_manual, find_manuals, get_manual, list_manuals, read_manual
from core.services import Services
from storage.objects import ObjectStoreError
from storage.tables import AuditLog
from tests.manual_files import SCRATCH_PAGES, GivenFile, add, given, scratch_manual, simple_pdf
from tests.stored import stored_keys


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return products.create_product(services, engineer, name="Plate", code="plate").id


def _keys(services: Services) -> list[str]:
    return stored_keys(services)


def test_a_manual_is_kept_with_its_pages_language_and_title(
    services: Services, engineer: Person, product_id: int
) -> None:
    content = scratch_manual()
    seen: list[tuple[str, int, int]] = []
    (outcome,) = add_manuals(
        services,
        engineer,
        product_id=product_id,
        files=[given("안내 1.pdf", content)],
        progress=lambda name, done, total: seen.append((name, done, total)),
    )
    assert (outcome.outcome, outcome.page_count, outcome.language) == ("added", 2, "en")
    assert seen[-1] == ("안내 1.pdf", 2, 2)
    (view,) = list_manuals(services, product_id)
    assert (view.manual.title, view.manual.original_name, view.state) == ("Plate manual 0", "안내 1.pdf", "not_indexed")
    assert view.manual.object_key.startswith(f"manuals/{product_id}/")
    assert "안내" not in view.manual.object_key
    assert read_manual(services, view.manual) == content


def test_a_chosen_language_stands_and_pages_without_text_are_named(
    services: Services, engineer: Person, product_id: int
) -> None:
    content = simple_pdf([SCRATCH_PAGES[0], [], SCRATCH_PAGES[1], []])
    (outcome,) = add_manuals(
        services, engineer, product_id=product_id, files=[given("scan.pdf", content)], language="ko"
    )
    assert (outcome.pages_without_text, outcome.language) == ((2, 4), "ko")
    manual = get_manual(services, outcome.manual_id or 0)
    assert manual.pages_without_text == [2, 4]
    assert manual.title == "scan"


def test_every_bad_file_is_refused_by_name_and_the_others_go_on(
    services: Services, engineer: Person, product_id: int
) -> None:
    def missing() -> bytes:
        raise FileNotFoundError("gone")

    good = scratch_manual()
    outcomes = add(
        services,
        engineer,
        product_id,
        given("empty.pdf", b""),
        given("letter.pdf", b"Dear customer"),
        given("cut.pdf", good[: len(good) // 2]),
        given("locked.pdf", simple_pdf(SCRATCH_PAGES, encrypted=True)),
        given("scanned.pdf", simple_pdf([[], []])),
        GivenFile("gone.pdf", missing),
        given("good.pdf", good),
        given("again.pdf", good),
    )
    found = [(one.name, one.outcome, one.error.code if one.error else None) for one in outcomes]
    assert found == [
        ("empty.pdf", "refused", "pdf_not_a_pdf"),
        ("letter.pdf", "refused", "pdf_not_a_pdf"),
        ("cut.pdf", "refused", "pdf_damaged"),
        ("locked.pdf", "refused", "pdf_encrypted"),
        ("scanned.pdf", "refused", "pdf_without_text"),
        ("gone.pdf", "refused", "manual_unreadable"),
        ("good.pdf", "added", None),
        ("again.pdf", "duplicate", "manual_duplicate"),
    ]
    for one in outcomes:
        if one.error is not None:
            assert one.name in one.error.sentence("en")
            assert one.name in one.error.sentence("ko")
    assert len(_keys(services)) == len(list_manuals(services)) == 1


def test_the_same_content_may_stand_under_two_products(services: Services, engineer: Person, product_id: int) -> None:
    other = products.create_product(services, engineer, name="Other", code="other").id
    for owner in (product_id, other):
        assert add(services, engineer, owner, given("m.pdf", scratch_manual()))[0].outcome == "added"
    assert len(list_manuals(services)) == 2
    assert len(list_manuals(services, other)) == 1


def test_only_engineers_add_and_delete(
    services: Services, engineer: Person, worker_person: Person, product_id: int
) -> None:
    with pytest.raises(NotAllowed):
        add(services, worker_person, product_id, given("m.pdf", scratch_manual()))
    (outcome,) = add(services, engineer, product_id, given("m.pdf", scratch_manual()))
    with pytest.raises(NotAllowed):
        delete_manual(services, worker_person, outcome.manual_id or 0)
    assert len(list_manuals(services)) == 1


def test_a_product_that_is_gone_or_out_of_use_takes_no_manual(
    services: Services, engineer: Person, product_id: int
) -> None:
    with pytest.raises(NotFound):
        add(services, engineer, 999, given("m.pdf", scratch_manual()))
    products.set_product_active(services, engineer, product_id, False)
    with pytest.raises(BadInput, match="to add manuals"):
        add_manuals(services, engineer, product_id=product_id, files=[])
    with pytest.raises(BadInput, match="one of: "):
        add_manuals(services, engineer, product_id=product_id, files=[], language="fr")


def test_deleting_takes_the_row_then_the_file_and_is_recorded(
    services: Services, engineer: Person, product_id: int
) -> None:
    (outcome,) = add(services, engineer, product_id, given("m.pdf", scratch_manual()))
    manual_id = outcome.manual_id or 0
    assert list(find_manuals(services, [manual_id, 77])) == [manual_id]
    delete_manual(services, engineer, manual_id)
    assert (list_manuals(services), find_manuals(services, [manual_id])) == ([], {})
    # An engineer deletes nothing for good: the file lies in the trash for its days.
    (kept,) = _keys(services)
    assert kept.startswith("trash/")
    assert services.objects.get(kept) == scratch_manual()
    with pytest.raises(NotFound):
        delete_manual(services, engineer, manual_id)
    with services.database.reading() as session:
        actions = session.exec(select(AuditLog.action).where(AuditLog.subject_type == "manual")).all()
    assert actions == ["manual.added", "manual.deleted"]


def test_a_file_that_was_changed_or_lost_in_the_store_is_named(
    services: Services, engineer: Person, product_id: int
) -> None:
    (outcome,) = add(services, engineer, product_id, given("m.pdf", scratch_manual()))
    manual = get_manual(services, outcome.manual_id or 0)
    services.objects.put(manual.object_key, scratch_manual(1))
    with pytest.raises(AppError, match="not the one that was taken in"):
        read_manual(services, manual)
    services.objects.delete(manual.object_key)
    with pytest.raises(NotFound, match="missing from the object store"):
        read_manual(services, manual)


def test_an_object_store_that_is_away_leaves_no_row(
    services: Services, engineer: Person, product_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise ObjectStoreError("object_store_unavailable", reason="unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(type(services.objects), "put", refuse)
        with pytest.raises(Unavailable):
            add(services, engineer, product_id, given("m.pdf", scratch_manual()))
    assert (list_manuals(services), _keys(services)) == ([], [])
    assert add(services, engineer, product_id, given("m.pdf", scratch_manual()))[0].outcome == "added"
