"""One of several processes that train the same network: `python -m … FOLDER RANK`, started by `processes` alone.

It says on stdout what happens, a JSON object a line, and ends when whoever started it ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.learning.recipes.contract import EpochFigures
from inference.vision.learning.recipes.epochs.batches import Batches
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.learning.recipes.epochs.plan import Plan, Side
from inference.vision.learning.recipes.epochs.processes import ARRAYS_NAME, JOB_NAME, STORE_NAME
from inference.vision.learning.recipes.epochs.training import train_epochs
from inference.vision.learning.recipes.settings import AugmentationSettings, TrainingSettings
from inference.vision.learning.recipes.whole_network import Architecture, build_network

_PATIENCE = timedelta(hours=1)


class _Teller:
    """A listener that writes down what it hears; of all processes the first alone speaks of progress."""

    def __init__(self, stream: IO[str], *, speaks: bool) -> None:
        self._stream, self._speaks = stream, speaks

    def progress(self, stage: str, done: int, total: int) -> None:
        if self._speaks:
            self.say({"kind": "progress", "stage": stage, "done": done, "total": total})

    def epoch(self, figures: EpochFigures) -> None:
        if self._speaks:
            self.say({"kind": "epoch", "figures": asdict(figures)})

    def say(self, message: dict[str, Any]) -> None:
        print(json.dumps(message), file=self._stream, flush=True)


def _end_with_parent() -> None:
    # Nobody writes here: the stream ends when whoever started this process is gone.
    sys.stdin.read()
    os._exit(1)


def _train(folder: Path, rank: int, teller: _Teller) -> None:
    import torch
    from torch import distributed

    job = json.loads((folder / JOB_NAME).read_text(encoding="utf-8"))
    with np.load(folder / ARRAYS_NAME, allow_pickle=False) as opened:
        arrays = {name: opened[name] for name in opened.files}
    given = job["architecture"]
    weights = Path(given["weights"]) if given["weights"] else None
    architecture = Architecture(
        given["name"], given["title"], weights, given["license"], tuple(given["mean"]), tuple(given["std"])
    )
    plan = Plan(**job["plan"] | {"settings": TrainingSettings(**job["plan"]["settings"])})
    shape = tuple(job["pixels"]["shape"])
    batches = Batches(
        np.memmap(job["pixels"]["file"], np.uint8, "r", shape=shape),
        arrays["truth"],
        train=arrays["train"],
        val=arrays["val"],
        weights=arrays["weights"],
        augmentation=AugmentationSettings(**job["augmentation"]),
        seed=int(job["seed"]),
    )
    count, on_cuda = plan.settings.processes, job["device"] != "cpu"
    if on_cuda:
        torch.cuda.set_device(rank)
    distributed.init_process_group(
        "nccl" if on_cuda else "gloo",
        init_method=f"file://{folder / STORE_NAME}",
        rank=rank,
        world_size=count,
        timeout=_PATIENCE,
    )
    device = f"cuda:{rank}" if on_cuda else "cpu"
    try:
        with determined(plan.seed, device=device, threads=CORES):
            size_px = (int(job["size_px"][0]), int(job["size_px"][1]))
            module = build_network(architecture, labels=plan.count, size_px=size_px, seed=plan.seed)
            side = Side(rank=rank, count=count, device=device)
            train_epochs(module, batches, plan, scratch=Path(job["scratch"]), listener=teller, side=side)
    finally:
        distributed.destroy_process_group()


def main() -> int:
    """Train until the epochs are over."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    folder, rank = Path(sys.argv[1]), int(sys.argv[2])
    # What libraries print must not be taken for what this process says.
    stream, sys.stdout = sys.stdout, sys.stderr
    teller = _Teller(stream, speaks=rank == 0)
    try:
        _train(folder, rank, teller)
    except ModelError as error:
        teller.say({"kind": "error", "error": error.code, "params": error.params})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
