"""Ten thousand hostile files: what decodes, unpacks, reads and plans refuses them by name, and never crashes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

FILES = 10_000
MOST_MEMORY_MB = 1024
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.full


@pytest.mark.parametrize("name", TARGETS)
def test_no_file_of_many_thousand_crashes_it(name: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: make test-full installs it")
    runs = round(FILES * TARGETS[name].share)
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(runs), str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert ran.returncode == 0, f"{found}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["files"] == runs
    assert said["memory_mb"] < MOST_MEMORY_MB


def test_the_targets_share_all_files() -> None:
    assert sum(target.share for target in TARGETS.values()) == pytest.approx(1.0)
