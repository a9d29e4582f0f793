"""What epochs are told and what they give back: the plan, the process's place among others, the best of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

    `stopped_for` is empty where all epochs were trained, else `patience` or `time`. `history` has a row an epoch.
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
