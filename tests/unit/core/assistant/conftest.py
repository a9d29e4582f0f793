"""The plant to talk about, built once a session and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.services import Services, build_services
from tests.assistant_world import build_world
from tests.plates import folder_settings


@pytest.fixture(scope="session")
def world_template(tmp_path_factory: pytest.TempPathFactory, database_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("world") / "data"
    settings = folder_settings(folder)
    shutil.copyfile(database_template, settings.data_dir / "geomsa.db")
    built = build_services(settings)
    build_world(built, open_person(built, "engineer"))
    built.database.dispose()
    return folder


@pytest.fixture
def world(world_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of the plant."""
    folder = tmp_path / "world"
    shutil.copytree(world_template, folder)
    built = build_services(folder_settings(folder))
    yield built
    built.database.dispose()


@pytest.fixture
def asker(world: Services) -> Person:
    """Return the quality engineer of the plant."""
    return open_person(world, "engineer")
