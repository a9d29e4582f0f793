"""A training's state after an epoch as one safetensors file with JSON in its header, written whole or not at all."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

NAME = "checkpoint.safetensors"
_HEADER = "state"
_log = logging.getLogger(__name__)

State = dict[str, torch.Tensor]


@dataclass
class Checkpoint:
    """Where a training is: the network, the best of its epochs, the optimizer's moments by parameter, its history.

    `epochs` are the figures of each epoch in plain values; `identity` is the hash of all that decides about the
    weights: a checkpoint of another training is passed over.
    """

    identity: str
    network: State
    best: State
    best_epoch: int
    moments: dict[int, State]
    epochs: list[dict[str, Any]] = field(default_factory=list)


def write_checkpoint(folder: Path, state: Checkpoint) -> None:
    """Write the checkpoint into a folder, over the last one."""
    tensors = {f"network.{name}": tensor for name, tensor in state.network.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
    for number, values in state.moments.items():
        tensors |= {f"moments.{number}.{name}": tensor for name, tensor in values.items()}
    header = {"identity": state.identity, "best_epoch": state.best_epoch, "epochs": state.epochs}
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / NAME
    fresh = place.with_name(f"{NAME}.{os.getpid()}.part")
    whole = {name: tensor.detach().to("cpu").clone().contiguous() for name, tensor in tensors.items()}
    save_file(whole, fresh, {_HEADER: json.dumps(header, allow_nan=False)})
    with fresh.open("rb") as stream:
        os.fsync(stream.fileno())
    fresh.replace(place)


def read_checkpoint(folder: Path, identity: str) -> Checkpoint | None:
    """Return the checkpoint in a folder; None where there is none of this training, or none that is whole."""
    place = folder / NAME
    if not place.is_file():
        return None
    try:
        with safe_open(place, framework="pt") as file:
            header = json.loads(file.metadata()[_HEADER])
            if header["identity"] != identity:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        moments: dict[int, State] = {}
        for name, tensor in _under("moments.", tensors).items():
            number, _, value = name.partition(".")
            moments.setdefault(int(number), {})[value] = tensor
        return Checkpoint(
            identity=identity,
            network=_under("network.", tensors),
            best=_under("best.", tensors),
            best_epoch=int(header["best_epoch"]),
            moments=moments,
            epochs=[dict(one) for one in header["epochs"]],
        )
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        _log.warning("a checkpoint cannot be read, the training begins anew: %s", error)
        return None


def checkpoint_bytes(folder: Path) -> bytes | None:
    """Return the checkpoint in a folder as it lies there, None before the first."""
    try:
        return (folder / NAME).read_bytes()
    except FileNotFoundError:
        return None


def _under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
