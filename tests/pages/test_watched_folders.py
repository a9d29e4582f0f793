"""System status shows the watched folders and where results go, and engineers change both there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access import ADMIN, ENGINEER, WORKER, Person
from core.catalog.products import create_product
from core.deliveries.settings import WebhookSettings
from core.deliveries.targets import add_target, list_targets
from core.services import Services
from core.transactions import writing
from core.watching.folders import add_folder, list_folders
from storage.tables import Product, WatchFolder, utc_now
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts

STATUS = "pages/administration/system_status.py"


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, code="A-100", name="Part", description="")


@pytest.fixture
def folder(services: Services, engineer: Person, product: Product, tmp_path: Path) -> Path:
    path = tmp_path / "camera"
    path.mkdir()
    add_folder(services, engineer, path, product_id=product.id, line="L1")
    return path


def _key(app: AppTest, key: str) -> AppTest:
    (found,) = [button for button in app.button if button.key is not None and button.key.startswith(key)]
    app = found.click().run()
    assert not app.exception
    return app


def _states(services: Services) -> list[str]:
    return [view.state for view in list_folders(services, since=utc_now())]


def test_folders_are_shown_with_what_is_wrong(open_app: OpenApp, services: Services, folder: Path) -> None:
    with writing(services) as session:
        row = session.get(WatchFolder, 1)
        assert row is not None
        row.waiting, row.last_error, row.last_error_params = 7, "watch_disk_full", {"path": str(folder)}
        row.lease_expires_at, row.holder = datetime(2100, 1, 1, tzinfo=UTC), "a worker"
        session.commit()
    said = texts(open_app(STATUS, role=ENGINEER))
    assert "Waiting **7**" in said
    assert "is full. Its files wait" in said
    assert "대기 **7**" in texts(open_app(STATUS, role=ADMIN, language="ko"))


def test_workers_do_not_see_them(open_app: OpenApp, folder: Path) -> None:
    assert "Watched folders" not in texts(open_app(STATUS, role=WORKER))


def test_an_engineer_sees_neither_the_cleanup_nor_the_costs(open_app: OpenApp) -> None:
    assert "Guidance: use and cost" in texts(open_app(STATUS, role=ADMIN))
    assert "Guidance: use and cost" not in texts(open_app(STATUS, role=ENGINEER))


def test_a_folder_is_added_on_the_screen(
    open_app: OpenApp, services: Services, product: Product, tmp_path: Path
) -> None:
    app = press(open_app(STATUS, role=ENGINEER), "Add a folder")
    app.text_input(key="watch_add_path").set_value(str(tmp_path / "nowhere"))
    app.text_input(key="watch_add_line").set_value("L7")
    app = press(app, "Add")
    assert "There is no folder" in texts(app)
    assert app.text_input(key="watch_add_line").value == "L7"
    (tmp_path / "camera").mkdir()
    app.text_input(key="watch_add_path").set_value(str(tmp_path / "camera"))
    app = press(app, "Add")
    (view,) = list_folders(services, since=utc_now())
    assert (view.folder.path, view.folder.line, view.product_code) == (tmp_path / "camera", "L7", "A-100")
    assert "is watched from now on" in texts(app)


def test_a_folder_is_paused_and_removed_on_the_screen(open_app: OpenApp, services: Services, folder: Path) -> None:
    app = _key(open_app(STATUS, role=ENGINEER), "watch_active_")
    assert _states(services) == ["paused"]
    app = _key(app, "watch_active_")
    assert _states(services) == ["unwatched"]
    app = _key(app, "watch_remove_")
    assert "Its files stay where they are" in texts(app)
    assert _states(services) == ["unwatched"]
    app = press(app, "Remove")
    assert _states(services) == []
    assert "No folder is watched" in texts(app)


def test_targets_are_shown_paused_and_removed(open_app: OpenApp, services: Services, engineer: Person) -> None:
    add_target(services, engineer, name="mes", settings=WebhookSettings("https://example.com/secret-path"))
    app = open_app(STATUS, role=ENGINEER)
    said = texts(app)
    assert "mes" in said
    assert "secret-path" not in said
    app = _key(app, "target_active_")
    assert [view.is_active for view in list_targets(services)] == [False]
    app = press(_key(app, "target_remove_"), "Remove")
    assert list_targets(services) == []
    assert "Results are sent nowhere" in texts(app)
