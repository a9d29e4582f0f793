"""Two installations: one that is backed up, and an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.backups import sealing
from core.services import Services, build_services
from core.settings import Settings, read_settings

KEY = "알맞은 열쇠 correct horse"


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys in a moment: what scrypt costs is not what is tested."""
    monkeypatch.setitem(sealing.SCRYPT, "n", 1 << 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for backups."""
    made = tmp_path / "backups"
    made.mkdir()
    return made


@pytest.fixture
def sealed(services: Services) -> Services:
    """Return the services with a key for backups."""
    return replace(services, settings=replace(services.settings, backup_key=KEY))


@pytest.fixture
def administrator(services: Services) -> Person:
    """Return the administrator of the installation that is backed up."""
    return open_person(services, "admin")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Return settings of an installation in which nothing was ever started."""
    return read_settings({"GEOMSA_DATA_DIR": str(tmp_path / "elsewhere"), "GEOMSA_DEVICE": "cpu"})


@pytest.fixture
def opened(elsewhere: Settings) -> Iterator[list[Services]]:
    """Yield a list of services that are closed at the end of the test."""
    made: list[Services] = []
    yield made
    for one in made:
        one.database.dispose()


def open_restored(settings: Settings, opened: list[Services]) -> Services:
    """Return services on what was restored, as the application starts on them."""
    built = build_services(settings)
    opened.append(built)
    return built
