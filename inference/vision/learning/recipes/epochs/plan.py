"""What epochs are told and what they give back: the plan, the process's place among others, the best of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inference.vision.learning.recipes.contract import EpochFigures

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.recipes.settings import TrainingSettings


@dataclass(frozen=True)
class Side:
    """Which process this is of how many that train the same network, and on what it computes."""

    rank: int = 0
    count: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Epochs:
    """What came of the epochs: the best one's tensors by name, its probabilities' logits of validation float64 (V, K).

    `stopped_for` is empty where all epochs were trained, else `patience`, `time` or `time_limit`. `history` has a row
    an epoch.
    """

    best_state: dict[str, torch.Tensor] = field(repr=False)
    best_epoch: int
    done: int
    history: tuple[dict[str, Any], ...] = field(repr=False)
    stopped_for: str


@dataclass(frozen=True)
class Plan:
    """What is trained how: `digest` names the training, so that no other one's checkpoint is gone on from.

    `rates` are shares of the learning rate by the beginning of a parameter's name, the longest one counts. `minutes`
    ends the training after the epoch in which they are over, 0: never.
    """

    settings: TrainingSettings
    count: int
    seed: int
    digest: str
    rates: dict[str, float] = field(default_factory=dict)
    train_mode: bool = True
    minutes: float = 0.0


def tell_row(row: Mapping[str, Any], epochs: int) -> EpochFigures:
    """Return a row of the history, of so many epochs, as a listener hears it."""
    return EpochFigures(
        epoch=row["epoch"],
        epochs=epochs,
        images_seen=row["images_seen"],
        train_loss=row["train_loss"],
        val_loss=row["val_loss"],
        val=row["val"],
        learning_rate=row["learning_rate"],
        seconds=row["seconds"],
    )
