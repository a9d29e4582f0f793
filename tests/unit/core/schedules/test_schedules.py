"""Report schedules: set up, changed, switched off, removed; what is wrong with one is said at once."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from core.access import Person
from core.errors import AppError, BadInput, Conflict, NotFound
from core.rollups.calendar import KEY
from core.schedules.records import ScheduleOrder
from core.schedules.schedules import (
    add_schedule,
    get_schedule,
    list_schedules,
    remove_schedule,
    save_schedule,
    set_schedule_active,
)
from core.schedules.timing import Timing
from core.services import Services
from core.settings import read_settings
from storage.tables import SystemConfig, WatchFolder
from tests.history_rows import add_product

DAILY = ScheduleOrder("Office", Timing("day", at=time(7)), language="ko", formats=("pdf", "xlsx"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "보고서"
    found.mkdir()
    return found


def test_a_schedule_comes_back_as_it_was_set(services: Services, engineer: Person, folder: Path) -> None:
    product = add_product(services, engineer)
    order = replace(DAILY, product_id=product.id, line="L1", folder=folder, skip_empty=True, keep_days=None)
    added = add_schedule(services, engineer, order)
    found = list_schedules(services)
    assert [one.order for one in found] == [order]
    assert found[0].product is not None
    assert found[0].product.code == "bracket"
    assert found[0].next_due is not None
    assert added == replace(found[0], next_due=added.next_due)


def test_a_stale_save_is_refused_and_says_who_was_faster(services: Services, engineer: Person) -> None:
    first = add_schedule(services, engineer, DAILY)
    save_schedule(services, engineer, first.id, replace(DAILY, name="Line 1"), row_version=first.row_version)
    with pytest.raises(Conflict) as caught:
        save_schedule(services, engineer, first.id, replace(DAILY, line="L2"), row_version=first.row_version)
    assert caught.value.code == "stale_save"
    assert "Line 1" in str(caught.value)


def test_a_stale_switch_of_a_schedule_is_refused(services: Services, engineer: Person, admin: Person) -> None:
    first = add_schedule(services, engineer, DAILY)
    set_schedule_active(services, admin, first.id, False, row_version=first.row_version)
    with pytest.raises(Conflict) as caught:
        set_schedule_active(services, engineer, first.id, True, row_version=first.row_version)
    assert caught.value.code == "stale_save"
    with pytest.raises(Conflict) as caught:
        remove_schedule(services, engineer, first.id, row_version=first.row_version)
    assert caught.value.code == "stale_save"
    assert not get_schedule(services, first.id).is_active


def test_a_save_without_a_change_changes_nothing(services: Services, engineer: Person) -> None:
    first = add_schedule(services, engineer, DAILY)
    again = save_schedule(services, engineer, first.id, DAILY, row_version=first.row_version)
    assert again.row_version == first.row_version


def test_two_schedules_of_one_name_are_refused(services: Services, engineer: Person) -> None:
    first = add_schedule(services, engineer, DAILY)
    with pytest.raises(Conflict) as caught:
        add_schedule(services, engineer, replace(DAILY, name=" Office "))
    assert caught.value.code == "report_schedule_known"
    remove_schedule(services, engineer, first.id)
    assert add_schedule(services, engineer, DAILY).id != first.id


def test_one_that_is_off_has_nothing_due(services: Services, engineer: Person) -> None:
    schedule = add_schedule(services, engineer, DAILY)
    set_schedule_active(services, engineer, schedule.id, False)
    assert get_schedule(services, schedule.id).next_due is None
    set_schedule_active(services, engineer, schedule.id, True)
    assert get_schedule(services, schedule.id).next_due is not None


def test_a_removed_one_is_not_found(services: Services, engineer: Person) -> None:
    schedule = add_schedule(services, engineer, DAILY)
    remove_schedule(services, engineer, schedule.id)
    assert list_schedules(services) == []
    with pytest.raises(NotFound):
        remove_schedule(services, engineer, schedule.id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": "  "}, "report_schedule_unnamed"),
        ({"name": "x" * 65}, "report_schedule_name_long"),
        ({"name": "a\u200bb"}, "report_schedule_name_long"),
        ({"formats": ()}, "report_formats"),
        ({"formats": ("pdf", "docx")}, "report_formats"),
        ({"language": "fr"}, "report_language"),
        ({"keep_days": 0}, "report_keep_days"),
        ({"line": "x" * 65}, "inspection_detail_too_long"),
        ({"timing": Timing("lot")}, "report_schedule_kind"),
        ({"timing": Timing("shift")}, "report_without_shifts"),
        ({"product_id": 99}, "not_found"),
        ({"folder": Path("reports")}, "report_folder_relative"),
        ({"folder": Path("/no/such/folder")}, "report_folder_missing"),
        ({"folder": Path("/")}, "report_folder_own"),
        ({"folder": Path("/a\0b")}, "report_folder_missing"),
    ],
)
def test_wrong_orders_are_refused_with_a_sentence(
    services: Services, engineer: Person, change: dict[str, object], code: str
) -> None:
    order = replace(DAILY, **change)  # type: ignore[arg-type]
    with pytest.raises(AppError) as caught:
        add_schedule(services, engineer, order)
    assert caught.value.code == code
    assert list_schedules(services) == []


def test_our_own_folder_and_a_watched_one_are_refused(services: Services, engineer: Person, folder: Path) -> None:
    own = services.settings.data_dir / "objects" / "reports"
    own.mkdir(parents=True)
    with pytest.raises(BadInput) as caught:
        add_schedule(services, engineer, replace(DAILY, folder=own))
    assert caught.value.code == "report_folder_own"
    product = add_product(services, engineer)
    with services.database.unit_of_work() as session:
        session.add(WatchFolder(path=str(folder.resolve()), product_id=product.id))
        session.commit()
    with pytest.raises(BadInput) as caught:
        add_schedule(services, engineer, replace(DAILY, folder=folder))
    assert caught.value.code == "report_folder_watched"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, "report_folder_read_only"),
        (errno.EROFS, "report_folder_read_only"),
        (errno.ENOSPC, "report_folder_full"),
    ],
)
def test_a_folder_that_takes_no_file_is_refused(
    services: Services, engineer: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(AppError) as caught:
        add_schedule(services, engineer, replace(DAILY, folder=folder))
    assert caught.value.code == code


def test_folders_outside_the_allowed_ones_are_refused(services: Services, engineer: Person, folder: Path) -> None:
    allowed = folder / "allowed"
    allowed.mkdir()
    settings = read_settings(
        {"GEOMSA_DATA_DIR": str(services.settings.data_dir), "GEOMSA_REPORT_FOLDERS": str(allowed)}
    )
    limited = replace(services, settings=settings)
    with pytest.raises(BadInput) as caught:
        add_schedule(limited, engineer, replace(DAILY, folder=folder))
    assert caught.value.code == "report_folder_outside"
    assert add_schedule(limited, engineer, replace(DAILY, folder=allowed)).order.folder == allowed.resolve()


def test_nothing_is_left_in_the_folder_by_the_check(services: Services, engineer: Person, folder: Path) -> None:
    add_schedule(services, engineer, replace(DAILY, folder=folder))
    assert list(folder.iterdir()) == []


def test_shift_schedules_need_shifts_of_the_plant(services: Services, engineer: Person) -> None:
    with services.database.unit_of_work() as session:
        value = {"time_zone": "Asia/Seoul", "shifts": [{"name": "주간", "starts_at": "06:00"}]}
        session.add(SystemConfig(key=KEY, value=value))
        session.commit()
    schedule = add_schedule(services, engineer, replace(DAILY, timing=Timing("shift", shifts=("주간",))))
    assert schedule.next_due is not None
    assert schedule.next_due.period.shift == "주간"
