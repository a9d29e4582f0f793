"""Training by epochs: AdamW, cosine with warm-up, clipped gradients, early stop, a checkpoint after every epoch.

The same images and settings give the same weights, to the last bit on one machine's CPU: what is drawn at random is
drawn from the seed and the epoch's number, and each batch is always computed in the same shares, each by one thread, so
that sums do not depend on how many cores are free (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.learning.dense.checkpoints import Checkpoint, State, read_checkpoint, write_checkpoint
from inference.vision.learning.recipes.contract import TIME_LIMIT, EndEarly, EpochFigures, Listener
from inference.vision.learning.recipes.settings import TrainingSettings
from inference.vision.networks.torch_runtime import keep_float32

Result = TypeVar("Result")
STAGE = "train"
# Images of a share: a batch is divided into as many as that makes, each computed by one thread, two at a time. A GPU
# computes a batch as a whole: small shares leave it idle.
_SHARE_IMAGES, _THREADS = 2, 2
# While something is computed, a listener is told so this often.
_HEAR_EVERY_S = 0.5
PATIENCE = "patience"


@dataclass(frozen=True)
class Judgement:
    """How good a network is on validation: `score` is what is improved, `loss` decides between equals."""

    score: float
    loss: float
    figures: dict[str, float] = field(default_factory=dict)


class Trainee(Protocol):
    """What the loop trains: a network on the CPU or on CUDA, its images, and how it is judged."""

    module: torch.nn.Module

    def weights(self) -> NDArray[np.float64]:
        """Return how often each training image is drawn beside the others: (N,)."""
        ...

    def rate_of(self, name: str) -> float:
        """Return by how much the learning rate of a parameter differs from the others'."""
        ...

    def shares(self, places: NDArray[np.int64], rng: np.random.Generator, count: int) -> Sequence[Any]:
        """Return a batch of training images in at most `count` shares."""
        ...

    def loss(self, share: Any) -> torch.Tensor:
        """Return the loss of a share: those of a batch's shares add up to that of the batch."""
        ...

    def judge(self, hear: Callable[[], None]) -> Judgement:
        """Return how good the network is; `hear` is called at least every second, and may raise."""
        ...


@dataclass(frozen=True)
class TrainingResult:
    """The best epoch's tensors, and what each epoch gave."""

    best: State
    best_epoch: int
    epochs: tuple[dict[str, Any], ...]
    stopped_for: str


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Have torch compute the same every time: its kernels, its random numbers, one thread for each share."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
        torch.set_num_threads(1)
        keep_float32()
        try:
            yield
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise ModelError("out_of_memory") from error
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)


class TrainingLoop:
    """Trains one network; `identity` is the hash of all that decides about its weights."""

    def __init__(self, trainee: Trainee, settings: TrainingSettings, *, seed: int, single: bool = False) -> None:
        self._trainee = trainee
        self._settings = settings
        self._seed = seed
        self._single = single
        # One thread alone for whole batches: on CUDA each begins by finding out how convolutions are best computed.
        self._pool = ThreadPoolExecutor(1 if single else min(_THREADS, CORES), thread_name_prefix="share")
        self._named = [(name, one) for name, one in trainee.module.named_parameters() if one.requires_grad]
        self._optimizer = torch.optim.AdamW(self._groups(), lr=settings.learning_rate)
        weights = trainee.weights()
        self._chances = None if (weights == weights[0]).all() else weights / weights.sum()
        self._count = len(weights)
        self._batches = -(-self._count // settings.batch_size)
        self.steps = -(-self._batches // settings.accumulate)

    def run(self, *, scratch: Path, identity: str, listener: Listener) -> TrainingResult:
        """Train to the end, from the last whole epoch in `scratch` on.

        Raises ModelError(`training_failed`, `out_of_memory`), and what the listener raises.
        """
        settings, module = self._settings, self._trainee.module
        state = read_checkpoint(scratch, identity)
        if state is None or not self._go_on(state):
            state = Checkpoint(identity, {}, _copy(module), 0, {})
        stopped_for = ""
        try:
            if state.epochs:
                # Whoever was killed between writing and telling has not told it: to tell it twice changes nothing.
                listener.epoch(self._tell(state.epochs[-1]))
            self._train_epochs(state, scratch, listener)
        except EndEarly:
            if not state.epochs:
                raise
            stopped_for = TIME_LIMIT
            self._pool.shutdown()  # what is still computed must not change what is loaded now
        module.load_state_dict(state.best)
        if not stopped_for and len(state.epochs) < settings.epochs:
            stopped_for = PATIENCE
        return TrainingResult(state.best, state.best_epoch, tuple(state.epochs), stopped_for)

    def _train_epochs(self, state: Checkpoint, scratch: Path, listener: Listener) -> None:
        settings, module = self._settings, self._trainee.module
        patience = settings.patience or settings.epochs
        while (done := len(state.epochs)) < settings.epochs and done - state.best_epoch < patience:
            listener.progress(STAGE, done * self._batches, settings.epochs * self._batches)
            began = time.monotonic()
            loss, rate = self._train_epoch(done, listener)
            judged = self._trainee.judge(
                lambda: listener.progress(STAGE, (done + 1) * self._batches, settings.epochs * self._batches)
            )
            if not (math.isfinite(loss) and math.isfinite(judged.loss)):
                raise ModelError("training_failed", epoch=done + 1)
            if not state.epochs or (judged.score, -judged.loss) > _best_of(state):
                state.best, state.best_epoch = _copy(module), done + 1
            state.epochs.append(
                {
                    "epoch": done + 1,
                    "train_loss": loss,
                    "val_loss": judged.loss,
                    "score": judged.score,
                    "val": judged.figures,
                    "learning_rate": rate,
                    "seconds": time.monotonic() - began,
                }
            )
            state.network = _copy(module)
            state.moments = _moments(self._optimizer)
            write_checkpoint(scratch, state)
            listener.epoch(self._tell(state.epochs[-1]))

    def step(
        self,
        number: int,
        places: Sequence[NDArray[np.int64]],
        rng: np.random.Generator,
        hear: Callable[[], None] = lambda: None,
    ) -> float:
        """Take one step on one batch or several, the `number`-th of all; return their mean loss.

        `hear` is called at least every second while they are computed, and may raise.
        """
        sums: list[torch.Tensor] | None = None
        total = 0.0
        for batch in places:
            count = 1 if self._single else -(-len(batch) // _SHARE_IMAGES)
            parts = [self._pool.submit(self._differentiate, share) for share in self._trainee.shares(batch, rng, count)]
            for part in parts:  # in order: sums must not depend on who is first
                loss, gradients = wait_hearing(part, hear, others=parts)
                total += loss / len(places)
                sums = gradients if sums is None else [had + new for had, new in zip(sums, gradients, strict=True)]
        assert sums is not None
        for (_, parameter), gradient in zip(self._named, sums, strict=True):
            parameter.grad = gradient / len(places)
        if self._settings.clip_norm:
            torch.nn.utils.clip_grad_norm_([parameter for _, parameter in self._named], self._settings.clip_norm)
        rate = self.rate(number)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimizer.step()
        return total

    def rate(self, number: int) -> float:
        """Return the learning rate of the `number`-th step of all."""
        settings = self._settings
        whole, warm = settings.epochs * self.steps, settings.warmup_epochs * self.steps
        if number < warm:
            return settings.learning_rate * (number + 1) / (warm + 1)
        share = (number - warm) / max(1.0, whole - warm)
        return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))

    def draw(self, epoch: int) -> tuple[NDArray[np.int64], np.random.Generator]:
        """Return the order of the training images in an epoch, counted from 0, and its random numbers."""
        rng = np.random.default_rng((self._seed, epoch))
        if self._chances is None:
            return rng.permutation(self._count), rng
        return rng.choice(self._count, self._count, p=self._chances), rng

    def _train_epoch(self, epoch: int, listener: Listener) -> tuple[float, float]:
        """Return the mean loss and the last learning rate."""
        self._trainee.module.train()
        order, rng = self.draw(epoch)
        size, many = self._settings.batch_size, self._settings.accumulate
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        total = 0.0
        for step in range(self.steps):
            done, whole = epoch * self._batches + step * many, self._settings.epochs * self._batches

            def hear(done: int = done, whole: int = whole) -> None:
                listener.progress(STAGE, done, whole)

            hear()
            taken = batches[step * many : (step + 1) * many]
            total += self.step(epoch * self.steps + step, taken, rng, hear) * len(taken)
        return total / len(batches), self.rate((epoch + 1) * self.steps - 1)

    def _differentiate(self, share: Any) -> tuple[float, list[torch.Tensor]]:
        parameters = [parameter for _, parameter in self._named]
        loss = self._trainee.loss(share)
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        gradients = [
            torch.zeros_like(parameter) if gradient is None else gradient
            for parameter, gradient in zip(parameters, found, strict=True)
        ]
        return float(loss.detach()), gradients

    def _groups(self) -> list[dict[str, Any]]:
        """Return the parameters by learning rate; only matrices decay, as is the custom."""
        groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
        for name, parameter in self._named:
            groups.setdefault((self._trainee.rate_of(name), parameter.ndim > 1), []).append(parameter)
        return [
            {"params": own, "factor": factor, "weight_decay": self._settings.weight_decay if decays else 0.0}
            for (factor, decays), own in groups.items()
        ]

    def _go_on(self, state: Checkpoint) -> bool:
        """Take up a checkpoint; return whether it is one of this network."""
        try:
            self._trainee.module.load_state_dict(state.network)
            described = self._optimizer.state_dict()
            self._optimizer.load_state_dict({**described, "state": state.moments})
        except (RuntimeError, ValueError, KeyError):
            return False
        return True

    def _tell(self, epoch: dict[str, Any]) -> EpochFigures:
        return EpochFigures(
            epoch=epoch["epoch"],
            epochs=self._settings.epochs,
            images_seen=epoch["epoch"] * self._count,
            train_loss=epoch["train_loss"],
            val_loss=epoch["val_loss"],
            val=epoch["val"],
            learning_rate=epoch["learning_rate"],
            seconds=epoch["seconds"],
        )


def wait_hearing(wanted: Future[Result], hear: Callable[[], None], *, others: Sequence[Future[Any]] = ()) -> Result:
    """Return what is computed in another thread; `hear` is called meanwhile; if it raises, `others` are given up."""
    try:
        while True:
            done, _ = wait([wanted], timeout=_HEAR_EVERY_S)
            if done:
                return wanted.result()
            hear()
    except BaseException:
        for one in others:
            one.cancel()
        raise


def _best_of(state: Checkpoint) -> tuple[float, float]:
    best = state.epochs[state.best_epoch - 1]
    return best["score"], -best["val_loss"]


def _copy(module: torch.nn.Module) -> State:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _moments(optimizer: torch.optim.Optimizer) -> dict[int, State]:
    found: dict[int, State] = optimizer.state_dict()["state"]
    return {number: {name: one.detach().clone() for name, one in values.items()} for number, values in found.items()}
