"""Exports on the disk as their users have them, and the Python client beside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from inference.vision.learning.export.documents import ClassWords
from inference.vision.learning.export.package import ExportFormat, export_network
from inference.vision.learning.trained_network.description import NetworkDescription
from tests.trained_networks import LABELS, classifier_graph, paint

CLIENTS = Path(__file__).resolve().parent.parent / "assets" / "clients"
WORDS = [
    ClassWords("good", "정상", "Good", True),
    ClassWords("blue_spot", "파란 반점", "Blue spot", False),
    ClassWords("red_spot", "붉은 반점", "Red spot", False),
]


def write_export(
    folder: Path,
    description: NetworkDescription,
    *,
    graph: bytes | None = None,
    format: ExportFormat = "onnx",  # noqa: A002 - what it is called everywhere
) -> Path:
    """Write the export of a tiny network into a folder, and return the folder."""
    made = export_network(
        graph or classifier_graph(description),
        description,
        format=format,
        classes=WORDS,
        vector_images=[paint(LABELS[number % 3], seed=number, width=150, height=110) for number in range(8)],
    )
    for name, data in made.files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return folder


def run_python_client(*arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    """Run the Python client as its user does, in a process of its own; `without` names a library that is missing."""
    hide = f"import sys; sys.modules[{without!r}] = None; " if without else ""
    code = (
        f"{hide}import runpy, sys; sys.path.insert(0, {str(CLIENTS / 'python')!r}); "
        f"sys.argv = ['predict.py', *{list(arguments)!r}]; "
        f"runpy.run_path({str(CLIENTS / 'python' / 'predict.py')!r}, run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=120, check=False)
