"""What is typed and not saved: kept for the person alone, gone once it is decided, no hindrance to anybody's save."""

from __future__ import annotations

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.errors import BadInput, NotFound
from core.inspections.decisions import close_action, override_verdict
from core.inspections.follow_up.drafts import LONGEST_NOTE_CHARS, load_drafts, save_draft
from core.services import Services
from tests.inspected_part import add_inspected_part


def test_a_draft_is_kept_for_the_person_who_typed_it_and_replaced_by_the_next(
    services: Services, worker_person: Person
) -> None:
    engineer = open_person(services, "engineer")
    part = add_inspected_part(services, engineer)
    for text in ("part scra", "part scrapped"):
        save_draft(services, worker_person, part, field="action", text=text)
    save_draft(services, worker_person, part, field="override", text="")
    assert load_drafts(services, worker_person, part) == {"action": "part scrapped", "override": ""}
    assert load_drafts(services, engineer, part) == {}


def test_a_draft_makes_no_save_stale_and_is_gone_once_it_is_decided(services: Services, engineer: Person) -> None:
    part = add_inspected_part(services, engineer)
    save_draft(services, engineer, part, field="override", text="dus")
    save_draft(services, engineer, part, field="action", text="wip")
    now = override_verdict(services, engineer, part, row_version=1, verdict="review", reason="dust")
    assert load_drafts(services, engineer, part) == {"action": "wip"}
    close_action(services, engineer, part, row_version=now.row_version, status="done", note="wiped")
    assert load_drafts(services, engineer, part) == {}


def test_a_draft_of_nothing_or_without_end_is_refused(services: Services, engineer: Person) -> None:
    with pytest.raises(NotFound):
        save_draft(services, engineer, 99_999, field="action", text="x")
    part = add_inspected_part(services, engineer)
    with pytest.raises(BadInput) as refused:
        save_draft(services, engineer, part, field="action", text="x" * (LONGEST_NOTE_CHARS + 1))
    assert refused.value.code == "note_too_long"
    assert load_drafts(services, engineer, part) == {}
