"""The product "spots", made once a session and copied for each test, and a recipe that learns it in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access import Person
from core.accounts.people import open_person
from core.services import Services, build_services
from tests.compared_methods import build_product
from tests.plates import copy_data, folder_settings
from tests.trained_runs import tiny_recipe


@pytest.fixture(scope="session")
def spots_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spots") / "data"
    services = build_services(folder_settings(folder), migrate=True)
    build_product(services, open_person(services, "engineer"))
    services.database.dispose()
    return folder


@pytest.fixture
def bench(spots_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services with the product, while the recipe is offered."""
    services = build_services(folder_settings(copy_data(spots_template, tmp_path / "spots-data")))
    with tiny_recipe():
        yield services
    services.database.dispose()


@pytest.fixture
def trainer(bench: Services) -> Person:
    """Return the quality engineer of the same services."""
    return open_person(bench, "engineer")
