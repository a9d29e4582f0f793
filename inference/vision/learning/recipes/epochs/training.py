"""Training by epochs: AdamW, warm-up and cosine, the best epoch by validation, going on where it was broken off.

AdamW: Loshchilov & Hutter, ICLR 2019; the cosine schedule: theirs, ICLR 2017. An epoch depends on the seed, its number
and the state before it, and on nothing else: so the training that was killed ends in the same weights.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.recipes.contract import TIME_LIMIT, EndEarly, Listener
from inference.vision.learning.recipes.epochs.checkpoints import Checkpoint, read_last_checkpoint, write_checkpoint
from inference.vision.learning.recipes.epochs.judging import compute_logits, is_better, summarize
from inference.vision.learning.recipes.epochs.plan import Epochs, Plan, Side, tell_row
from inference.vision.learning.recipes.heads.logistic_head import log_loss
from inference.vision.learning.recipes.ticking import Ticker

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from inference.vision.learning.recipes.epochs.batches import Batches

_BETAS, _LAST_SHARE = (0.9, 0.999), 0.01
# A label of which there are few images counts more, but no image so much that it alone decides a step.
_MOST_LABEL_WEIGHT = 5.0


def train_epochs(
    module: torch.nn.Module, batches: Batches, plan: Plan, *, scratch: Path, listener: Listener, side: Side
) -> Epochs:
    """Return the best of the epochs; the module is left with the last one's weights.

    `module` takes what `batches` give and returns logits; of its parameters those are trained that want a gradient.
    With several processes the first alone writes and measures. Raises ModelError(`training_diverged`,
    `out_of_memory`), and what the listener raises.
    """
    return _Training(module, batches, plan, scratch, listener, side).run()


class _Training:
    def __init__(
        self, module: torch.nn.Module, batches: Batches, plan: Plan, scratch: Path, listener: Listener, side: Side
    ) -> None:
        import torch

        self.module, self.batches, self.plan, self.scratch = module.to(side.device), batches, plan, scratch
        self.listener, self.side = listener, side
        self.trained = {name: one for name, one in module.named_parameters() if one.requires_grad}
        chosen = plan.settings
        groups = []
        for name, one in self.trained.items():
            fitting = [prefix for prefix in plan.rates if name.startswith(prefix)]
            share = plan.rates[max(fitting, key=len)] if fitting else 1.0
            # Scales and offsets are not held back.
            decay = chosen.weight_decay if one.ndim > 1 else 0.0
            groups.append({"params": [one], "lr": chosen.learning_rate * share, "share": share, "weight_decay": decay})
        self.optimizer = torch.optim.AdamW(groups, lr=chosen.learning_rate, betas=_BETAS)
        self.network: Any = module
        if side.count > 1:
            from torch.nn.parallel import DistributedDataParallel

            self.network = DistributedDataParallel(module, device_ids=[side.rank] if side.device != "cpu" else None)
        self.half = side.device != "cpu" and chosen.mixed_precision
        # bfloat16 has the range of float32; cards that lack it need their gradients scaled.
        self.half_type = torch.bfloat16 if self.half and torch.cuda.is_bf16_supported() else torch.float16
        self.scaler = torch.amp.GradScaler("cuda", enabled=self.half and self.half_type == torch.float16)
        self.label_weights = torch.from_numpy(_weigh_labels(batches.truth[batches.train], plan.count)).to(side.device)
        self.per_step = chosen.accumulate
        self.batches_per_epoch = batches.count_batches(max(2, chosen.batch_size) * side.count)
        self.steps_per_epoch = math.ceil(self.batches_per_epoch / chosen.accumulate)
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_epoch, self.stopped_for = 0, ""

    def run(self) -> Epochs:
        saved = read_last_checkpoint(self.scratch, self.plan.digest)
        if saved is not None:
            self._go_on(saved)
        try:
            if self.history:
                # Whoever was killed between writing and telling has not told it: to tell it twice changes nothing.
                self.listener.epoch(tell_row(self.history[-1], self.plan.settings.epochs))
            self._train_epochs()
        except EndEarly:
            if not self.best_epoch:
                raise
            self.stopped_for = self.stopped_for or TIME_LIMIT
        return Epochs(self.best, self.best_epoch, len(self.history), tuple(self.history), self.stopped_for)

    def _train_epochs(self) -> None:
        epochs = self.plan.settings.epochs
        while len(self.history) < epochs and not self.stopped_for:
            number = len(self.history) + 1
            row = self._train_epoch(number)
            self.history.append(row)
            if self._is_best(row):
                self.best = {name: one.detach().to("cpu").clone() for name, one in self._kept().items()}
                self.best_epoch = number
            self.stopped_for = self._find_reason()
            if self.side.rank == 0:
                self._save()
            self._meet()
            self.listener.epoch(tell_row(row, epochs))

    def _train_epoch(self, number: int) -> dict[str, Any]:
        import torch

        started = time.monotonic()
        chosen = self.plan.settings
        torch.manual_seed(_mix_seed(self.plan.seed, number, self.side.rank))
        self.module.train(self.plan.train_mode)
        losses, seen = 0.0, 0
        ticker = Ticker(self.listener, "epoch", len(self.batches.train))
        drawn = self.batches.deal(number, self.batches_per_epoch)
        with ticker.watching(self.module):
            for place, places in enumerate(drawn):
                mine = places[self.side.rank :: self.side.count]
                last_of_step = (place + 1) % self.per_step == 0 or place + 1 == len(drawn)
                together = min(self.per_step, len(drawn) - place // self.per_step * self.per_step)
                loss = self._learn(mine, number, place, together, last_of_step)
                if not math.isfinite(loss):
                    raise ModelError("training_diverged", epoch=number, learning_rate=chosen.learning_rate)
                losses += loss * len(places)
                seen += len(places)
                ticker.set(seen)
        before = self.history[-1]["images_seen"] if self.history else 0
        row: dict[str, Any] = {
            "epoch": number,
            "images_seen": before + seen,
            "train_loss": losses / max(seen, 1),
            "learning_rate": self._rate(number - 1, self.steps_per_epoch - 1),
            **self._validate(),
        }
        return row | {"seconds": time.monotonic() - started}

    def _learn(self, places: NDArray[np.int64], epoch: int, place: int, together: int, last_of_step: bool) -> float:
        """Return the loss of a batch, its gradients added; after the last one of a step the weights are changed."""
        import torch
        from torch.nn import functional

        chosen = self.plan.settings
        inputs, targets = self.batches.training(places, epoch, place, self.plan.count)
        inputs = [one.to(self.side.device) for one in inputs]
        wanted = targets.to(self.side.device)
        weights = (wanted * self.label_weights).sum(dim=1)
        smooth = wanted * (1.0 - chosen.label_smoothing) + chosen.label_smoothing / self.plan.count
        with torch.autocast("cuda", self.half_type, enabled=self.half):
            logits = self.network(*inputs).float()
        rows = -(smooth * functional.log_softmax(logits, dim=1)).sum(dim=1)
        loss = (rows * weights).sum() / weights.sum().clamp_min(1e-9)
        self.scaler.scale(loss / together).backward()  # type: ignore[no-untyped-call]
        if last_of_step:
            rate = self._rate(epoch - 1, place // self.per_step)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["share"]
            if chosen.clip_norm > 0:
                self.scaler.unscale_(self.optimizer)
                torch.nn.utils.clip_grad_norm_(list(self.trained.values()), chosen.clip_norm)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _rate(self, epochs_done: int, step: int) -> float:
        """Return the learning rate of a step: it rises over the warm-up, then falls as half a cosine."""
        chosen = self.plan.settings
        total = self.steps_per_epoch * chosen.epochs
        warm = min(chosen.warmup_epochs * self.steps_per_epoch, total / 2)
        at = epochs_done * self.steps_per_epoch + step + 1
        if at <= warm:
            return chosen.learning_rate * at / max(warm, 1.0)
        share = (at - warm) / max(total - warm, 1.0)
        return chosen.learning_rate * (_LAST_SHARE + (1 - _LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * share)))

    def _validate(self) -> dict[str, Any]:
        if not len(self.batches.val):
            return {"val_loss": None, "val": {}}
        logits = compute_logits(
            self.module, self.batches, self.batches.val, self.plan, listener=self.listener, side=self.side
        )
        truth = self.batches.truth[self.batches.val]
        return {"val_loss": log_loss(logits, truth), "val": summarize(logits, truth, self.plan.count)}

    def _is_best(self, row: dict[str, Any]) -> bool:
        if row["val_loss"] is None or not self.best_epoch:
            return True  # without validation the last one is the best that is known
        best = self.history[self.best_epoch - 1]
        return is_better((row["val"]["macro_f1"], row["val_loss"]), (best["val"]["macro_f1"], best["val_loss"]))

    def _find_reason(self) -> str:
        chosen = self.plan.settings
        losses = [row["val_loss"] for row in self.history if row["val_loss"] is not None]
        if self.plan.minutes and sum(row["seconds"] for row in self.history) >= 60.0 * self.plan.minutes:
            found = "time"
        elif chosen.patience and losses and len(losses) - 1 - int(np.argmin(losses)) >= chosen.patience:
            found = "patience"
        else:
            found = ""
        return self._agree(found) if len(self.history) < chosen.epochs else ""

    def _agree(self, reason: str) -> str:
        """Return what the first process found: each has a clock of its own."""
        if self.side.count < 2:
            return reason
        from torch import distributed

        said = [reason]
        distributed.broadcast_object_list(said, src=0)
        return said[0]

    def _meet(self) -> None:
        if self.side.count > 1:
            from torch import distributed

            distributed.barrier()

    def _kept(self) -> dict[str, torch.Tensor]:
        """Return what a checkpoint needs of the module: what is trained, and what its layers count along the way."""
        buffers = dict(self.module.named_buffers()) if self.plan.train_mode else {}
        return {**self.trained, **buffers}

    def _save(self) -> None:
        tensors = {f"module.{name}": one for name, one in self._kept().items()}
        tensors |= {f"best.{name}": one for name, one in self.best.items()}
        for place, one in enumerate(self.trained.values()):
            for name, value in self.optimizer.state.get(one, {}).items():
                tensors[f"optimizer.{place}.{name}"] = value
        state = {
            "digest": self.plan.digest,
            "history": self.history,
            "best_epoch": self.best_epoch,
            "stopped_for": self.stopped_for,
            "scaler": self.scaler.state_dict(),
        }
        write_checkpoint(self.scratch, Checkpoint(tensors, state))

    def _go_on(self, saved: Checkpoint) -> None:
        import torch

        here = self._kept()
        with torch.no_grad():
            for name, one in saved.under("module.").items():
                here[name].copy_(one)
        for place, one in enumerate(self.trained.values()):
            state = saved.under(f"optimizer.{place}.")
            if state:
                moved = {name: value.to(one.device) if value.ndim else value for name, value in state.items()}
                self.optimizer.state[one] = moved
        self.best = saved.under("best.")
        self.history = list(saved.state["history"])
        self.best_epoch, self.stopped_for = int(saved.state["best_epoch"]), str(saved.state["stopped_for"])
        if saved.state["scaler"]:
            self.scaler.load_state_dict(dict(saved.state["scaler"]))


def _weigh_labels(truth: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Return the weight of each label: labels count alike, within limits."""
    images = np.maximum(np.bincount(truth, minlength=count), 1)
    weights = len(truth) / (len(np.unique(truth)) * images)
    return np.asarray(np.minimum(weights, _MOST_LABEL_WEIGHT), np.float32)


def _mix_seed(seed: int, epoch: int, rank: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1, np.uint64)[0] >> np.uint64(1))
