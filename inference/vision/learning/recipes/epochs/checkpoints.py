"""The state of a training after an epoch: one safetensors file with JSON in its header, replaced as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "checkpoint.safetensors"
_STATE = "state"


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` by name, `state` plain JSON."""

    tensors: Mapping[str, torch.Tensor] = field(repr=False)
    state: Mapping[str, Any]

    def under(self, prefix: str) -> dict[str, torch.Tensor]:
        """Return the tensors whose names begin with the prefix, without it."""
        return {name.removeprefix(prefix): one for name, one in self.tensors.items() if name.startswith(prefix)}


def write_checkpoint(scratch: Path, checkpoint: Checkpoint) -> None:
    """Put the checkpoint into the place of the last one: whoever is killed meanwhile finds one of the two, whole."""
    from safetensors.torch import save_file

    scratch.mkdir(parents=True, exist_ok=True)
    fresh = scratch / f"{NAME}.part"
    # Tensors may share their memory, or lie on a device: the format knows neither.
    plain = {name: one.detach().to("cpu").clone().contiguous() for name, one in checkpoint.tensors.items()}
    save_file(plain, fresh, metadata={_STATE: json.dumps(checkpoint.state, sort_keys=True)})
    with fresh.open("rb+") as stream:
        os.fsync(stream.fileno())
    fresh.replace(scratch / NAME)


def read_last_checkpoint(scratch: Path, digest: str) -> Checkpoint | None:
    """Return the checkpoint of the same training (its state's `digest`), None where there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    file = scratch / NAME
    if not file.is_file():
        return None
    try:
        with safe_open(file, framework="pt", device="cpu") as opened:
            state = json.loads((opened.metadata() or {})[_STATE])
            if state.get("digest") != digest:
                return None
            return Checkpoint({name: opened.get_tensor(name) for name in opened.keys()}, state)  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError, AttributeError):
        return None


def read_checkpoint_bytes(scratch: Path) -> bytes | None:
    """Return the file of the last checkpoint, None where there is none."""
    try:
        return (scratch / NAME).read_bytes()
    except FileNotFoundError:
        return None
