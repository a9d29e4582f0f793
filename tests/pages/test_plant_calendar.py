"""The plant's calendar on the screens whose figures follow it, and the dialog that changes it."""

from __future__ import annotations

from datetime import time

from core.access import Person
from core.rollups.calendar import PlantCalendar, Shift, read_calendar
from core.rollups.calendar_saving import save_calendar
from core.services import Services
from core.transactions import reading
from pages.components.shared.screens import DASHBOARD, REPORTS
from tests.history_rows import add_product
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts


def _read(services: Services) -> PlantCalendar:
    with reading(services) as session:
        return read_calendar(session)


def test_an_engineer_sets_zone_and_shifts(services: Services, engineer: Person, open_app: OpenApp) -> None:
    app = open_app(REPORTS)
    assert "no shifts" in texts(app)
    press(app, "Plant calendar")
    app.selectbox(key="plant_calendar_zone").set_value("Asia/Seoul")
    app.segmented_control(key="plant_calendar_count").set_value(2).run()
    assert [app.time_input(key=f"plant_calendar_start_{place}").value for place in range(2)] == [time(6), time(18)]
    app.text_input(key="plant_calendar_name_1").set_value("A").run()
    assert "A" in texts(app)
    assert app.error
    app.text_input(key="plant_calendar_name_1").set_value("Night").run()
    assert not app.error
    press(app, "Save")
    saved = _read(services)
    assert (saved.time_zone, saved.shifts) == ("Asia/Seoul", (Shift("A", time(6)), Shift("Night", time(18))))
    assert "Days begin at 06:00" in texts(app)


def test_a_calendar_that_somebody_else_has_changed_is_not_overwritten(
    services: Services, engineer: Person, admin: Person, open_app: OpenApp
) -> None:
    app = open_app(REPORTS)
    press(app, "Plant calendar")
    theirs = save_calendar(services, admin, PlantCalendar("Asia/Tokyo"))
    app.selectbox(key="plant_calendar_zone").set_value("Asia/Seoul")
    press(app, "Save")
    assert "Asia/Tokyo" in app.error[0].value
    assert _read(services) == theirs


def test_a_worker_reads_by_which_days_is_counted(services: Services, engineer: Person, open_app: OpenApp) -> None:
    add_product(services, engineer)
    save_calendar(services, engineer, PlantCalendar("Asia/Seoul", (Shift("Day", time(7)), Shift("Night", time(19)))))
    app = open_app(DASHBOARD, role="worker")
    assert "Days begin at 07:00" in texts(app)
    assert not [one for one in app.button if one.key == "plant_calendar_open"]
