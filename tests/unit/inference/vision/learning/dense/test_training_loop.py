"""The loop of epochs, on a network of two weights: it ends in time, and goes on where it was broken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.vision.learning.dense.training_loop import Judgement, TrainingLoop, TrainingResult, reproducible
from inference.vision.learning.recipes.contract import EndEarly, EpochFigures
from inference.vision.learning.recipes.settings import TrainingSettings
from tests.unit.inference.vision.learning.dense.drawn_examples import Heard

SETTINGS = TrainingSettings(epochs=4, batch_size=4, learning_rate=0.05, patience=0, warmup_epochs=0.0)


class Line:
    """Learns a line from 12 points; its second epoch is the best one where `best_is_second` says so."""

    def __init__(self, *, best_is_second: bool = False) -> None:
        self.module: torch.nn.Module = torch.nn.Linear(1, 1)
        self._x = torch.linspace(-1, 1, 12)[:, None]
        self._best_is_second, self._judged = best_is_second, 0

    def weights(self) -> np.ndarray:
        return np.ones(len(self._x))

    def rate_of(self, name: str) -> float:
        return 1.0

    def shares(self, places: np.ndarray, rng: np.random.Generator, count: int) -> Sequence[Any]:
        return [(self._x[part] + float(rng.normal(0, 0.01)), len(places)) for part in np.array_split(places, count)]

    def loss(self, share: Any) -> torch.Tensor:
        x, whole = share
        found: torch.Tensor = ((self.module(x) - (3 * x + 1)) ** 2).sum() / whole
        return found

    def judge(self, hear: Callable[[], None]) -> Judgement:
        hear()
        self._judged += 1
        with torch.no_grad():
            loss = float(((self.module(self._x) - (3 * self._x + 1)) ** 2).mean())
        score = float(self._judged == 2) if self._best_is_second else -loss
        return Judgement(score, loss, {"score": score})


class Timed(Heard):
    """Says that the time is up after the third epoch, or within the one that follows it."""

    def __init__(self, *, within: bool) -> None:
        super().__init__()
        self._within = within

    def progress(self, stage: str, done: int, total: int) -> None:
        super().progress(stage, done, total)
        if self._within and len(self.epochs) == 3 and done > 9:
            self._within = False
            raise EndEarly

    def epoch(self, figures: EpochFigures) -> None:
        super().epoch(figures)
        if not self._within and figures.epoch == 3:
            raise EndEarly


def run(scratch: Path, listener: Heard, *, best_is_second: bool = False) -> TrainingResult:
    with reproducible(0):
        loop = TrainingLoop(Line(best_is_second=best_is_second), SETTINGS, seed=0)
        return loop.run(scratch=scratch, identity="line", listener=listener)


@pytest.mark.parametrize("within", [False, True], ids=["after an epoch", "within an epoch"])
def test_the_best_epoch_is_given_when_the_time_is_up(tmp_path: Path, within: bool) -> None:
    heard = Timed(within=within)
    found = run(tmp_path / "timed", heard, best_is_second=True)
    assert [one.epoch for one in heard.epochs] == [1, 2, 3]
    assert (found.best_epoch, len(found.epochs), found.stopped_for) == (2, 3, "time_limit")
    whole = run(tmp_path / "whole", Heard(), best_is_second=True)
    assert whole.stopped_for == ""
    assert all(torch.equal(one, whole.best[name]) for name, one in found.best.items())


def test_a_listener_that_ends_before_any_epoch_gets_nothing(tmp_path: Path) -> None:
    def end() -> None:
        raise EndEarly

    with pytest.raises(EndEarly):
        run(tmp_path, Heard(on_progress=end))


@pytest.mark.parametrize("after", [1, 2, 3])
def test_whoever_goes_on_tells_the_last_epoch_again_and_ends_in_the_same_weights(tmp_path: Path, after: int) -> None:
    whole = Heard()
    straight = run(tmp_path / "whole", whole)
    with pytest.raises(InterruptedError):
        run(tmp_path / "broken", Heard(ends_after=after))
    later = Heard()
    resumed = run(tmp_path / "broken", later)
    assert [one.epoch for one in later.epochs] == list(range(after, 5))
    assert later.epochs[0].train_loss == whole.epochs[after - 1].train_loss
    assert resumed.best_epoch == straight.best_epoch
    assert all(torch.equal(one, straight.best[name]) for name, one in resumed.best.items())
