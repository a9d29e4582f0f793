"""The data that the browser tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployed_product import build_deployed_product


@pytest.fixture(scope="session")
def deployed_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the deployed product "cells"."""
    folder = tmp_path_factory.mktemp("browser") / "data"
    build_deployed_product(folder)
    return folder
