"""The sentence encoder on this machine: the folder that somebody gave, and a stamp that changes with it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

# A sentence-transformers folder under this name beside the other weights takes the place of the carried encoder.
ENCODER_FOLDER = "sentence-encoder"


def encoder_folder(weights_dir: Path) -> Path | None:
    """Return the folder of the encoder that somebody gave; None where there is none, and the carried one is used."""
    folder = weights_dir / ENCODER_FOLDER
    return folder if folder.is_dir() else None


def encoder_stamp(weights_dir: Path) -> str:
    """Return what changes with the encoder and is the same wherever it lies; it costs no look at the weights."""
    folder = encoder_folder(weights_dir)
    if folder is None:
        return "carried"
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".safetensors"})
    described = [
        [
            path.relative_to(folder).as_posix(),
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.name == "config.json" else "",
        ]
        for path in files
    ]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()
