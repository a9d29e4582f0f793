"""The reference clients, as they go along with an export."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent.parent / "assets" / "clients"
# What was installed or compiled beside them does not go along.
_ENDINGS = frozenset({".py", ".txt", ".js", ".json", ".md"})
_CLIENTS = {"onnx": ("python", "javascript"), "openvino": ("python",)}


@cache
def read_client_files(export_format: str) -> dict[str, bytes]:
    """Return the files of the clients that can read an export of this format, by their path in it."""
    found = {}
    for client in _CLIENTS[export_format]:
        for path in sorted((_FOLDER / client).iterdir()):
            if path.is_file() and path.suffix in _ENDINGS and path.name != "package-lock.json":
                found[f"clients/{client}/{path.name}"] = path.read_bytes()
    return found
