"""What manuals are called, and how that is changed."""

from __future__ import annotations

import pytest

from core.access import Person
from core.errors import BadInput, Conflict
from core.manuals.library import delete_manual, get_manual, update_manual
from core.manuals.titles import choose_title
from core.services import Services
from tests.inspected_part import add_inspected_part


@pytest.mark.parametrize(
    ("own", "title"),
    [
        ("untitled", "QM-031"),
        ("Untitled-1", "QM-031"),
        ("무제", "QM-031"),
        ("제목 없음", "QM-031"),
        ("문서1", "QM-031"),
        ("PowerPoint 프레젠테이션", "QM-031"),
        ("Microsoft Word - old draft.docx", "QM-031"),
        ("표준서.hwp", "QM-031"),
        ("???", "QM-031"),
        ("", "QM-031"),
        (None, "QM-031"),
        ("Document control procedure", "Document control procedure"),
        ("주조A형\n대응 매뉴얼", "주조A형 대응 매뉴얼"),
        ("Test methods", "Test methods"),
    ],
)
def test_a_title_that_says_nothing_gives_way_to_the_file_name(own: str | None, title: str) -> None:
    assert choose_title(own, "QM-031.pdf") == title


def test_title_and_language_are_changed_and_a_late_save_is_refused(
    services: Services, engineer: Person, admin: Person
) -> None:
    add_inspected_part(services, engineer)
    seen = get_manual(services, 1)
    changed = update_manual(services, admin, 1, row_version=seen.row_version, title=" 새  제목 ", language="ko")
    assert (changed.title, changed.language, changed.row_version) == ("새 제목", "ko", seen.row_version + 1)
    with pytest.raises(Conflict) as caught:
        update_manual(services, engineer, 1, row_version=seen.row_version, title="mine", language=None)
    assert caught.value.code == "stale_save"
    assert "새 제목" in str(caught.value)
    with pytest.raises(Conflict):
        delete_manual(services, engineer, 1, row_version=seen.row_version)
    assert get_manual(services, 1).title == "새 제목"


@pytest.mark.parametrize(
    ("title", "language", "code"),
    [
        (" \n", "ko", "manual_title_missing"),
        ("가" * 256, "ko", "manual_title_too_long"),
        ("x", "fr", "manual_language_unknown"),
    ],
)
def test_titles_and_languages_must_be_some(
    services: Services, engineer: Person, title: str, language: str, code: str
) -> None:
    add_inspected_part(services, engineer)
    with pytest.raises(BadInput) as caught:
        update_manual(services, engineer, 1, row_version=1, title=title, language=language)
    assert caught.value.code == code
