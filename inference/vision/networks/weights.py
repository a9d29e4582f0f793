"""Weights files that are brought from outside: proven to belong to their backbone before anything uses them.

Only safetensors are accepted: the format holds numbers and nothing that runs. A checkpoint in torch's own format, as
publishers offer it, is read with `weights_only` and rewritten as safetensors.
"""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

from inference.errors import ModelError
from inference.vision.networks.catalog import find_network, load_network

SUFFIX = ".safetensors"
_HEADER_LIMIT_BYTES = 16 * 1024 * 1024


def check_weights_file(name: str, path: Path) -> None:
    """Prove that `path` holds the weights of the backbone: every tensor that is used, of its shape, with finite values.

    Imports timm and torch (seconds). Raises ModelError: `backbone_unknown`, `backbone_weights_format` for a file that
    is no safetensors file, `backbone_weights_mismatch`.
    """
    import torch

    find_network(name)
    if path.suffix != SUFFIX or not _looks_like_safetensors(path):
        raise ModelError("backbone_weights_format", name=name)
    for key, tensor in load_network(name, path).state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError("backbone_weights_mismatch", name=name, detail=f"{key} holds values that are no numbers")


def convert_checkpoint(name: str, checkpoint: Path, target: Path) -> None:
    """Rewrite a checkpoint in torch's format as the safetensors file `target`. Nothing in it is ever run.

    Raises ModelError: `backbone_unknown`, `backbone_weights_mismatch` when it is not a plain dictionary of tensors.
    """
    import torch
    from safetensors.torch import save_file

    find_network(name)
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError("backbone_weights_mismatch", name=name, detail="it cannot be read") from error
    tensors = state if isinstance(state, dict) else {}
    if isinstance(tensors.get("state_dict"), dict):
        # A checkpoint of a training run: the weights lie one level deeper, under the names of a distributed model.
        tensors = {str(key).removeprefix("module."): tensor for key, tensor in tensors["state_dict"].items()}
    if not tensors or not all(isinstance(tensor, torch.Tensor) for tensor in tensors.values()):
        raise ModelError("backbone_weights_mismatch", name=name, detail="it holds no tensors")
    # Tensors may share their memory, which the format does not know.
    save_file({str(key): tensor.clone().contiguous() for key, tensor in tensors.items()}, target)


def _looks_like_safetensors(path: Path) -> bool:
    """Return whether the header is what the format prescribes: its length, then as much JSON."""
    with path.open("rb") as stream:
        head = stream.read(8)
        if len(head) < 8:
            return False
        (length,) = struct.unpack("<Q", head)
        if not 2 <= length <= _HEADER_LIMIT_BYTES:
            return False
        try:
            return isinstance(json.loads(stream.read(length)), dict)
        except ValueError:
            return False
