"""Training an auto-encoder: AdamW, early stop on the loss of parts held out, a checkpoint after every epoch.

The same images and settings give the same weights, to the last bit on one machine's CPU: whatever is drawn at random is
drawn anew for each epoch from the seed and the epoch's number, and so a training that goes on from a checkpoint ends as
if it had never stopped. Imports torch (seconds).
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from inference.errors import ModelError
from inference.vision.detection.autoencoder.config import AutoencoderConfig
from inference.vision.detection.autoencoder.network import Autoencoder, measure_errors
from inference.vision.detection.detector import Progress
from inference.vision.learning.splits import split_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKPOINT = "checkpoint.safetensors"
# A training image is moved by at most so many pixels, and made lighter or darker by this share.
_SHIFT_PX, _GAIN = 3, 0.05
_WEIGHT_DECAY = 1e-4
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """A trained network, which images were held out (bool (n,)), and the losses of its epochs."""

    network: Autoencoder
    held_out: np.ndarray
    train_losses: tuple[float, ...]
    val_losses: tuple[float, ...]
    best_epoch: int


@dataclass
class _State:
    """Where a training is: what a checkpoint holds."""

    network: Autoencoder
    optimizer: torch.optim.AdamW
    best: dict[str, torch.Tensor]
    best_epoch: int = 0
    train_losses: tuple[float, ...] = ()
    val_losses: tuple[float, ...] = ()

    @property
    def epoch(self) -> int:
        return len(self.val_losses)


def train_network(
    inputs: np.ndarray,
    parts: Sequence[str],
    config: AutoencoderConfig,
    *,
    checkpoints: Path | None = None,
    held_out: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Training:
    """Return the network trained on inputs, RGB uint8 N×H×W×3, of which whole parts are held out for the early stop.

    `parts` (n,) names the part of each; `held_out` bool (n,) says which are held out, None: `val_share` of them by the
    seed. Without any (one part alone), the loss of training decides. In the folder `checkpoints` there is a checkpoint
    after every epoch, from which the same call goes on; one of other images or settings is passed over. `progress`
    gets the stage `train`, epochs done and all, and may raise. Raises ModelError(`out_of_memory`, `training_failed`).
    """
    if held_out is None:
        held_out = split_parts(parts, share=config.val_share, seed=config.seed)
    identity = _identify(inputs, held_out, config)
    place = None if checkpoints is None else checkpoints / CHECKPOINT
    with _reproducible():
        try:
            state = _resume(config, place, identity) or _begin(config)
            learned = inputs[~held_out]
            judged = inputs[held_out] if held_out.any() else learned
            while state.epoch < config.epochs and state.epoch - state.best_epoch < config.patience:
                if progress is not None:
                    progress("train", state.epoch, config.epochs)
                _train_epoch(state, learned, judged, config, progress)
                if place is not None:
                    _save(state, place, identity)
        except torch.OutOfMemoryError as error:
            raise ModelError("out_of_memory") from error
        except MemoryError as error:
            raise ModelError("out_of_memory") from error
        state.network.load_state_dict(state.best)
    if progress is not None:
        progress("train", config.epochs, config.epochs)
    network = state.network.eval().requires_grad_(False)
    return Training(network, held_out, state.train_losses, state.val_losses, state.best_epoch)


@contextmanager
def _reproducible() -> Iterator[None]:
    """Have torch compute the same every time: its kernels, its random numbers, its number of threads.

    One thread: sums depend on how many there are, and on a busy machine two of them wait for each other at every layer
    (measured: ten times as long).
    """
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)


def _begin(config: AutoencoderConfig) -> _State:
    torch.manual_seed(config.seed)
    network = Autoencoder(config).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=_WEIGHT_DECAY)
    return _State(network, optimizer, _copy(network))


def _train_epoch(
    state: _State, learned: np.ndarray, judged: np.ndarray, config: AutoencoderConfig, progress: Progress | None
) -> None:
    rng = np.random.default_rng((config.seed, state.epoch))
    rate = config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * state.epoch / config.epochs))
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.network.train()
    total = 0.0
    order = rng.permutation(len(learned))
    for start in range(0, len(order), config.batch_size):
        if progress is not None:
            progress("train", state.epoch, config.epochs)
        places = order[start : start + config.batch_size]
        if len(places) == 1 and len(order) > 1:
            places = np.append(places, order[0])  # a batch of one has no spread to normalize by
        pixels = _to_tensor(_vary(learned[places], rng))
        state.optimizer.zero_grad(set_to_none=True)
        loss = measure_errors(pixels, state.network(pixels), ssim_weight=config.ssim_weight).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        total += float(loss.detach()) * len(places)
    val = measure_loss(state.network, judged, config)
    if not math.isfinite(val):
        raise ModelError("training_failed", epoch=state.epoch + 1)
    state.train_losses = (*state.train_losses, total / len(order))
    if not state.val_losses or val < min(state.val_losses):
        state.best, state.best_epoch = _copy(state.network), state.epoch + 1
    state.val_losses = (*state.val_losses, val)


def measure_loss(network: Autoencoder, inputs: np.ndarray, config: AutoencoderConfig) -> float:
    """Return the mean error of inputs, RGB uint8 N×H×W×3, by the network in evaluation mode."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(inputs), config.batch_size):
            pixels = _to_tensor(inputs[start : start + config.batch_size])
            errors = measure_errors(pixels, network(pixels), ssim_weight=config.ssim_weight)
            total += float(errors.mean(dim=(1, 2, 3)).sum())
    return total / len(inputs)


def _vary(batch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the images moved a little and a little lighter or darker, float32 from 0 to 1."""
    pad = _SHIFT_PX
    height, width = batch.shape[1:3]
    wide = np.pad(batch, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    moved = np.empty(batch.shape, np.float32)
    for number, (top, left) in enumerate(rng.integers(0, 2 * pad + 1, (len(batch), 2))):
        moved[number] = wide[number, top : top + height, left : left + width]
    gains = rng.uniform(1.0 - _GAIN, 1.0 + _GAIN, (len(batch), 1, 1, 1)).astype(np.float32)
    return np.asarray(np.clip(moved * gains / np.float32(255.0), 0.0, 1.0), np.float32)


def _to_tensor(batch: np.ndarray) -> torch.Tensor:
    values = batch if batch.dtype == np.float32 else batch.astype(np.float32) / np.float32(255.0)
    # N×H×W×3 seen as N×3×H×W: the layout that torch computes fastest on a CPU.
    return torch.from_numpy(np.ascontiguousarray(values)).permute(0, 3, 1, 2)


def _copy(network: Autoencoder) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


# --- checkpoints -----------------------------------------------------------------------------------------------------


def _identify(inputs: np.ndarray, held_out: np.ndarray, config: AutoencoderConfig) -> str:
    """Return the hash of all that decides about the weights."""
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    digest.update(json.dumps([list(inputs.shape), torch.__version__]).encode())
    digest.update(np.ascontiguousarray(inputs).data)
    digest.update(held_out.tobytes())
    return digest.hexdigest()


def _save(state: _State, place: Path, identity: str) -> None:
    """Write a checkpoint, whole or not at all."""
    moments: dict[int, dict[str, torch.Tensor]] = state.optimizer.state_dict()["state"]
    tensors = {f"network.{name}": tensor for name, tensor in _copy(state.network).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}
    for number, values in moments.items():
        tensors |= {f"moments.{number}.{name}": tensor.detach().clone() for name, tensor in values.items()}
    described = {
        "identity": identity,
        "best_epoch": state.best_epoch,
        "train_losses": state.train_losses,
        "val_losses": state.val_losses,
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{place.name}.{os.getpid()}.part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, fresh, {"state": json.dumps(described)})
    fresh.replace(place)


def _resume(config: AutoencoderConfig, place: Path | None, identity: str) -> _State | None:
    """Return the state of a checkpoint; None where there is none of this training, or none that is whole."""
    if place is None or not place.is_file():
        return None
    state = _begin(config)
    try:
        with safe_open(place, framework="pt") as file:
            described: dict[str, Any] = json.loads(file.metadata()["state"])
            if described["identity"] != identity:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        _apply(state, described, tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        _log.warning("a checkpoint cannot be read, the training begins anew: %s", error)
        return None
    return state


def _apply(state: _State, described: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    def under(prefix: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in under("moments.").items():
        number, _, value = name.partition(".")
        moments.setdefault(int(number), {})[value] = tensor
    best = under("best.")
    state.network.load_state_dict(best, strict=True)  # proves that it is of this network
    state.network.load_state_dict(under("network."), strict=True)
    optimizer = state.optimizer.state_dict()
    state.optimizer.load_state_dict({**optimizer, "state": moments})
    state.best, state.best_epoch = best, int(described["best_epoch"])
    state.train_losses = tuple(described["train_losses"])
    state.val_losses = tuple(described["val_losses"])
