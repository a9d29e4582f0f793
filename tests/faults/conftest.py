"""The deployed product "plate", for the faults that need a model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.images.imports.folder_import import import_path
from core.models.kinds import MEMORY_BANK
from core.services import Services, build_services
from tests.plates import build_plate_folder, copy_data, deploy, folder_settings, write_plates

# Just enough for a memory bank with thresholds and test figures: a build is a matter of a second.
TINY_PARTS = (("train", "good", 4), ("train", "spot", 1), ("test", "good", 1), ("test", "spot", 1))


@pytest.fixture(scope="session")
def plate_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("plate") / "data"
    build_plate_folder(data_dir)
    return data_dir


@pytest.fixture
def plate_services(plate_template: Path, tmp_path: Path) -> Iterator[Services]:
    services = build_services(folder_settings(copy_data(plate_template, tmp_path / "plate-data")))
    yield services
    services.database.dispose()


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the product "plate" from a handful of images, and its memory bank."""
    folder = tmp_path_factory.mktemp("tiny")
    services = build_services(folder_settings(folder / "data"), migrate=True)
    write_plates(folder / "plate", parts=TINY_PARTS)
    import_path(services, open_person(services, "engineer"), folder / "plate")
    deploy(services, find_product(services, "plate").id, kinds=(MEMORY_BANK,))
    services.database.dispose()
    return folder / "data"
