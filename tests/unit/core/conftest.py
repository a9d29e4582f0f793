"""The product "plate": deployed once a session, with its own models or with toys, then copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.model_exports.making import make_export
from core.services import Services, build_services
from storage.tables import Product
from tests.compared_methods import build_product
from tests.finished_runs import add_finished_run
from tests.plates import build_plate_folder, copy_data, folder_settings
from tests.toy_models import build_toy_folder, use_toy_models


@pytest.fixture(scope="session")
def plate_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("plate") / "data"
    build_plate_folder(data_dir)
    return data_dir


@pytest.fixture
def plate_services(plate_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of the folder with the deployed product."""
    services = build_services(folder_settings(copy_data(plate_template, tmp_path / "plate-data")))
    yield services
    services.database.dispose()


@pytest.fixture
def plate_product(plate_services: Services) -> Product:
    return find_product(plate_services, "plate")


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("toy") / "data"
    build_toy_folder(data_dir)
    return data_dir


@pytest.fixture
def toy_services(toy_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of the folder, with the toy models."""
    services = build_services(folder_settings(copy_data(toy_template, tmp_path / "toy-data")))
    yield use_toy_models(services)
    services.database.dispose()


@pytest.fixture(scope="session")
def spots_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the product "spots" and a finished training run of it, which was exported once."""
    data_dir = tmp_path_factory.mktemp("spots") / "data"
    services = build_services(folder_settings(data_dir), migrate=True)
    engineer = open_person(services, "engineer")
    run = add_finished_run(services, engineer, build_product(services, engineer), with_version=True)
    make_export(services, engineer, f"run:{run.id}", "onnx")
    services.database.dispose()
    return data_dir


@pytest.fixture
def spots_services(spots_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Yield services on a copy of that folder."""
    services = build_services(folder_settings(copy_data(spots_template, tmp_path / "spots-data")))
    yield services
    services.database.dispose()
