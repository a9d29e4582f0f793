"""Screens are always opened through the front door, on the data folder of the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.accounts import open_person
from core.roles import ENGINEER, ROLES
from core.services import Services, build_services
from core.settings import read_settings

FRONT_DOOR = Path(__file__).resolve().parents[2] / "Home.py"
OpenScreen = Callable[..., AppTest]


@pytest.fixture
def open_screen(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenScreen]:
    """Open the screen at `path` in a role and a language; the server is this process, on the folder of `services`."""
    yield _opener(services, monkeypatch)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def open_deployed(deployed: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenScreen]:
    """The same, on the folder with the deployed product."""
    yield _opener(deployed, monkeypatch)
    st.cache_resource.clear()
    st.cache_data.clear()


def _opener(services: Services, monkeypatch: pytest.MonkeyPatch) -> OpenScreen:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_WORKER", "external")

    def open_one(path: str | None = None, *, role: str = ENGINEER, language: str = "en") -> AppTest:
        assert role in ROLES
        app = AppTest.from_file(str(FRONT_DOOR), default_timeout=60)
        app.session_state["role"] = role
        app.session_state["language_choice"] = language
        app.run()
        if path is not None:
            app.switch_page(path).run()
        assert not app.exception
        return app

    return open_one


@pytest.fixture(scope="session")
def deployed_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with real solar cells, their memory bank and their similarity indexes, built once."""
    from core import deployments, jobs
    from core.catalog import create_defect_type, create_product
    from core.demo_images.solar_cells import DEFECT_CODE, cell_images
    from core.image_library import IncomingFile, add_images

    folder = tmp_path_factory.mktemp("deployed") / "data"
    built = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}), migrate=True)
    person = open_person(built, "engineer")
    product = create_product(built, person, name="Solar cell", code="cells", notice="CC BY-NC-SA 4.0")
    defect = create_defect_type(
        built, person, product_id=product.id or 0, code=DEFECT_CODE, name_ko="셀 결함", name_en="Cell defect"
    )
    cells = list(cell_images("mono"))
    for image_type, split, count in (
        ("normal", "train", 24),
        ("defect", "train", 12),
        ("normal", "test", 3),
        ("defect", "test", 3),
    ):
        wanted = (
            cell for cell in cells if cell.split == split and (cell.defect_code is None) == (image_type == "normal")
        )
        files = [IncomingFile(cell.name, lambda data=cell.content: data) for cell in islice(wanted, count)]  # type: ignore[misc]
        outcomes = add_images(
            built,
            person,
            product_id=product.id or 0,
            image_type=image_type,
            defect_type_id=defect.id if image_type == "defect" else None,
            split=split,
            files=files,
        )
        assert all(outcome.outcome == "added" for outcome in outcomes)
    for kind in (jobs.MEMORY_BANK, jobs.SIMILARITY_INDEX):
        jobs.submit(built, person, kind=kind, product_ids=[product.id or 0])
        claim = jobs.claim_next(built.database, "tests")
        assert claim is not None
        assert deployments.work_off(built, claim) is None
        assert jobs.finish(built.database, claim, state="succeeded")
    built.database.dispose()
    return folder


@pytest.fixture
def deployed(deployed_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Services on a copy of the deployed data folder."""
    folder = tmp_path / "deployed"
    shutil.copytree(deployed_template, folder)
    built = build_services(read_settings({"GEOMSA_DATA_DIR": str(folder), "GEOMSA_DEVICE": "cpu"}))
    yield built
    built.database.dispose()


@pytest.fixture
def texts() -> Callable[[AppTest], str]:
    """Everything that is written on the screen, one piece a line."""

    def read(app: AppTest) -> str:
        pieces = [*app.title, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
        return "\n".join(str(piece.value) for piece in [*pieces, *app.success, *app.toast])

    return read


@pytest.fixture
def press() -> Callable[[AppTest, str], AppTest]:
    """Press the button with this label."""

    def press_one(app: AppTest, label: str) -> AppTest:
        found = [button for button in app.button if button.label == label]
        assert found, f"no button {label!r} among {[button.label for button in app.button]}"
        app = found[0].click().run()
        assert not app.exception
        return app

    return press_one
