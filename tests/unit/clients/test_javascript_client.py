"""The JavaScript client passes the same vectors. `npm` fetches two packages: not for machines without a network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from inference.vision.images.preprocessing import Preprocessing
from tests.exported_networks import CLIENTS, write_export
from tests.trained_networks import describe

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed on this machine"),
]


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the client and what it needs, installed as its user does."""
    folder = tmp_path_factory.mktemp("client") / "javascript"
    shutil.copytree(CLIENTS / "javascript", folder)
    done = _run(["npm", "install", "--no-audit", "--no-fund"], folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("resize", "preprocessing"),
    [
        ("letterbox", Preprocessing()),
        ("stretch", Preprocessing(grayscale=True, normalize=True)),
        ("stretch", Preprocessing(region_of_interest=(0.13, 0.2, 0.6, 0.71), ignore=((0.3, 0.3, 0.17, 0.2),))),
    ],
)
def test_it_passes_all_vectors(client: Path, tmp_path: Path, resize: str, preprocessing: Preprocessing) -> None:
    folder = write_export(tmp_path / "export", describe(resize=resize, width_px=96, preprocessing=preprocessing))
    done = _run(["node", "predict.js", str(folder), "--check"], client)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all("input: 0 levels" in line for line in lines[:8])
    assert lines[-1] == "all test vectors passed"


def test_what_it_does_not_know_it_refuses(client: Path, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", describe(preprocessing=Preprocessing(clahe=True)))
    done = _run(["node", "predict.js", str(folder), "--check"], client)
    assert done.returncode == 1
    assert "clahe" in done.stderr
