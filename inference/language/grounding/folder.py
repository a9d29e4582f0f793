"""A folder with a grounding network, proved before anything of it is loaded: its kind, its files, nothing that runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import ModelError

# Files that can run code, or hold objects that do when they are read.
_UNSAFE_ENDINGS = {".bin", ".ckpt", ".h5", ".joblib", ".msgpack", ".pickle", ".pkl", ".pt", ".pth", ".py", ".so"}
_MAX_JSON_BYTES = 64 * 1024**2
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
# One of each has to be there: the older and the newer names of transformers.
_IMAGE_SETTINGS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")


@dataclass(frozen=True)
class GroundingNetwork:
    """A kind of grounding network: `model_types` are what the `config.json` of its folder may say."""

    name: str
    title: str
    model_types: tuple[str, ...]
    licence: str
    source: str


GROUNDING_DINO = GroundingNetwork(
    name="grounding-dino",
    title="Grounding DINO",
    model_types=("grounding-dino", "mm-grounding-dino"),
    licence="Apache-2.0",
    source="Liu et al., ECCV 2024 (arXiv:2303.05499)",
)
OWLV2 = GroundingNetwork(
    name="owlv2",
    title="OWLv2",
    model_types=("owlv2",),
    licence="Apache-2.0",
    source="Minderer et al., NeurIPS 2023 (arXiv:2306.09683)",
)
NETWORKS: tuple[GroundingNetwork, ...] = (GROUNDING_DINO, OWLV2)


def find_grounding_network(name: str) -> GroundingNetwork | None:
    """Return the network of this name, or None."""
    return next((found for found in NETWORKS if found.name == name), None)


def check_folder(network: GroundingNetwork, folder: Path) -> list[Path]:
    """Return the files of a folder that holds this network, sorted, without loading any weights.

    Raises ModelError: `grounding_folder_missing`, `grounding_unsafe_files` (anything that could run code, links out of
    the folder), `grounding_file_missing`, `grounding_config_unreadable`, `grounding_wrong_kind`.
    """
    if not folder.is_dir():
        raise ModelError("grounding_folder_missing", folder=folder.name)
    files = sorted(file for file in folder.iterdir() if file.is_file())
    inside = folder.resolve()
    unsafe = [
        file.name
        for file in sorted(folder.rglob("*"))
        if file.suffix.lower() in _UNSAFE_ENDINGS or not file.resolve().is_relative_to(inside)
    ]
    if unsafe:
        raise ModelError("grounding_unsafe_files", folder=folder.name, files=", ".join(unsafe[:3]))
    names = {file.name for file in files}
    if "config.json" not in names:
        raise ModelError("grounding_file_missing", folder=folder.name, file="config.json")
    found = str(_read_json(folder, "config.json").get("model_type", ""))[:60]
    if found not in network.model_types:
        raise ModelError("grounding_wrong_kind", folder=folder.name, found=found or "?", expected=network.title)
    for choices in (_WEIGHTS, _IMAGE_SETTINGS, _TOKENIZERS):
        if not names & set(choices):
            raise ModelError("grounding_file_missing", folder=folder.name, file=choices[0])
    if _WEIGHTS[0] not in names:
        shards = _read_json(folder, _WEIGHTS[1]).get("weight_map", {})
        missing = sorted(set(map(str, shards.values())) - names) if isinstance(shards, dict) else [_WEIGHTS[0]]
        if missing:
            raise ModelError("grounding_file_missing", folder=folder.name, file=missing[0])
    return files


def hash_folder(files: list[Path]) -> str:
    """Return one SHA-256 of the files' names and contents, in hexadecimal digits."""
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            whole.update(f"{file.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        if (folder / name).stat().st_size > _MAX_JSON_BYTES:
            raise ValueError("too large")
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("grounding_config_unreadable", folder=folder.name, file=name) from error
    if not isinstance(found, dict):
        raise ModelError("grounding_config_unreadable", folder=folder.name, file=name)
    return found
