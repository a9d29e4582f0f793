"""The plant to talk about, built once a session and copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.services import Services, build_services
from tests.assistant_world import build_world
from tests.databases import place_database
from tests.plates import copy_data, folder_settings


@pytest.fixture(scope="session")
def world_template(tmp_path_factory: pytest.TempPathFactory, database_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("world") / "data"
    settings = folder_settings(folder)
    place_database(database_template, settings.data_dir)
    built = build_services(settings)
    build_world(built, open_person(built, "engineer"))
    built.database.dispose()
    return folder


@pytest.fixture
def world(world_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of the plant."""
    folder = tmp_path / "world"
    copy_data(world_template, folder)
    built = build_services(folder_settings(folder))
    yield built
    built.database.dispose()


@pytest.fixture
def asker(world: Services) -> Person:
    """Return the quality engineer of the plant."""
    return open_person(world, "engineer")
