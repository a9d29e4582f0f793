"""A server on the plates with toy models, one a module; and clients with a key of each role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services import Services, build_services
from tests.api_server import ApiClient, make_client, serve_api
from tests.plates import copy_data, folder_settings
from tests.toy_models import use_toy_models


@pytest.fixture(scope="module")
def served(toy_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, int]]:
    """Yield services and the port that they are served at."""
    folder = tmp_path_factory.mktemp("api") / "data"
    services = use_toy_models(build_services(folder_settings(copy_data(toy_template, folder))))
    with serve_api(services) as port:
        yield services, port
    services.database.dispose()


@pytest.fixture(scope="module")
def api_services(served: tuple[Services, int]) -> Services:
    return served[0]


@pytest.fixture(scope="module")
def engineer_api(served: tuple[Services, int]) -> ApiClient:
    return make_client(*served, role="engineer")


@pytest.fixture(scope="module")
def worker_api(served: tuple[Services, int]) -> ApiClient:
    return make_client(*served, role="worker")


@pytest.fixture(scope="module")
def stranger(served: tuple[Services, int]) -> ApiClient:
    """Return a client without a key."""
    return ApiClient(served[1])
