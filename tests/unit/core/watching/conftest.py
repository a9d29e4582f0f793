"""The product "plate" with toy models, and a folder that is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.accounts.people import open_person, watch_person
from core.catalog.products import find_product
from core.services import Services, build_services
from core.watching.arrived_files import FileResult
from core.watching.folders import Folder, add_folder
from core.watching.inspecting import FolderWatch
from core.watching.settings import WatchSettings
from tests.plates import copy_data, encode, folder_settings, plate, seed_of
from tests.toy_models import build_toy_folder, use_toy_models

GOOD = encode(plate(seed_of("test", "good", 50)))
SPOT = encode(plate(seed_of("test", "spot", 50), "spot"))
AddFolder = Callable[..., Folder]


class Watching:
    """A folder that is looked at without waiting: what is there is whole."""

    def __init__(self, services: Services, folder: Folder) -> None:
        self.services = services
        self.folder = folder
        self.path = folder.path
        self.results: list[FileResult] = []
        self.restart()

    def restart(self) -> None:
        """Go on as another process would."""
        self.watch = FolderWatch(self.services, watch_person(self.services), self.folder, on_result=self.results.append)

    def put(self, name: str, data: bytes = GOOD) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def files(self) -> list[str]:
        """Return what lies in the folder, without the days in done/."""
        found = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if not path.is_dir())
        return sorted("done/" + name.split("/", 4)[-1] if name.startswith("done/") else name for name in found)


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("toy") / "data"
    build_toy_folder(data_dir)
    return data_dir


@pytest.fixture
def toy_services(toy_template: Path, tmp_path: Path) -> Iterator[Services]:
    services = build_services(folder_settings(copy_data(toy_template, tmp_path / "toy-data")))
    yield use_toy_models(services)
    services.database.dispose()


@pytest.fixture
def add(toy_services: Services, tmp_path: Path) -> AddFolder:
    """Return a function that makes a folder and has it watched for the product."""

    def add_one(name: str = "in", *, line: str = "", **settings: Any) -> Folder:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        return add_folder(
            toy_services,
            open_person(toy_services, "engineer"),
            path,
            product_id=find_product(toy_services, "plate").id,
            line=line,
            settings=WatchSettings(**{"settle_s": 0.0, **settings}),
        )

    return add_one


@pytest.fixture
def watching(toy_services: Services, add: AddFolder) -> Watching:
    return Watching(toy_services, add())
