"""The screen of backups: for administrators alone; what it says and starts, and its schedule."""

from __future__ import annotations

from sqlmodel import select

from core.backups.jobs import start_backup
from core.backups.schedule import load_schedule
from core.jobs import claims
from core.services import Services
from core.worker.supervisor import run_claimed_job
from storage.tables import Job
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import texts

SCREEN = "pages/administration/backups.py"


def test_it_is_not_open_to_engineers(open_app: OpenApp) -> None:
    app = open_app(SCREEN)
    assert "This screen is not open to you" in texts(app)
    assert "backup_now" not in {button.key for button in app.button}


def test_without_a_backup_it_says_what_is_at_stake_and_starts_one(open_app: OpenApp, services: Services) -> None:
    app = open_app(SCREEN, role="admin")
    assert "No backup was made yet." in texts(app)
    assert "not encrypted" in texts(app)
    app.button(key="backup_now").click().run()
    with services.database.reading() as session:
        assert session.exec(select(Job.kind)).all() == ["backup"]
    assert "Stop this?" in texts(app)
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    run_claimed_job(services, claim.job_id, claim.fencing_token)
    again = open_app(SCREEN, role="admin", language="ko")
    assert "검증됨" in texts(again)
    assert "마지막 백업" in texts(again)


def test_the_schedule_is_set_up_and_a_wrong_folder_keeps_what_was_typed(open_app: OpenApp, services: Services) -> None:
    app = open_app(SCREEN, role="admin")
    app.button(key="backup_schedule_change").click().run()
    app.text_input(key="backup_schedule_folder").set_value("../elsewhere")
    app.number_input(key="backup_schedule_full_every").set_value(5)
    app.button(key="backup_schedule_save").click().run()
    assert "must lie within" in texts(app)
    assert app.number_input(key="backup_schedule_full_every").value == 5
    app.text_input(key="backup_schedule_folder").set_value("nightly")
    app.button(key="backup_schedule_save").click().run()
    saved = load_schedule(services)
    assert (saved.is_active, saved.full_every, saved.folder) == (True, 5, "nightly")
    assert "Every day at 02:00" in texts(app)


def test_what_runs_already_is_shown_instead_of_the_buttons(open_app: OpenApp, services: Services) -> None:
    from core.accounts.people import open_person

    start_backup(services, open_person(services, "admin"), full=True)
    app = open_app(SCREEN, role="admin")
    assert "backup_now" not in {button.key for button in app.button}
    assert "Stop this?" in texts(app)
