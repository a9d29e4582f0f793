"""Training on several devices: a process for each, that start, are heard and end together (DistributedDataParallel)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from inference.errors import ModelError
from inference.parallel import CORES
from inference.vision.learning.recipes.contract import TIME_LIMIT, EndEarly, EpochFigures, Listener
from inference.vision.learning.recipes.epochs.batches import Batches
from inference.vision.learning.recipes.epochs.checkpoints import read_last_checkpoint
from inference.vision.learning.recipes.epochs.plan import Epochs, Plan, tell_row

if TYPE_CHECKING:
    from inference.vision.learning.recipes.whole_network import Architecture

CHILD = "inference.vision.learning.recipes.epochs.process_child"
JOB_NAME, ARRAYS_NAME, STORE_NAME = "job.json", "arrays.npz", "store"
_WAIT_S, _DETAIL_CHARACTERS = 0.25, 300
_ROOT = Path(__file__).resolve().parents[5]


def train_in_processes(
    architecture: Architecture,
    batches: Batches,
    plan: Plan,
    *,
    size_px: tuple[int, int],
    device: str,
    scratch: Path,
    listener: Listener,
) -> Epochs:
    """Return the best of the epochs, trained by `plan.settings.processes` processes on as many devices.

    They are given the prepared inputs as the file that they lie in, and end with this process, however it ends. Raises
    ModelError: what a process raises, `device_unavailable` for fewer devices than processes, `training_process_failed`
    where one ends without a word; and what the listener raises.
    """
    count = plan.settings.processes
    if device != "cpu":
        import torch

        if torch.cuda.device_count() < count:
            raise ModelError("device_unavailable", device=f"cuda:{torch.cuda.device_count()}")
    folder = scratch / "processes"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write_job(folder, architecture, batches, plan, size_px=size_px, device=device, scratch=scratch)
    stopped_for = ""
    try:
        with _started(folder, count, threads=max(1, CORES // count)) as children:
            _listen(children, folder, listener)
    except EndEarly:
        stopped_for = TIME_LIMIT
    saved = read_last_checkpoint(scratch, plan.digest)
    if saved is None:
        raise ModelError("training_process_failed", detail="no checkpoint")
    history = tuple(saved.state["history"])
    if stopped_for:
        # The processes may have ended another one before they were.
        listener.epoch(tell_row(history[-1], plan.settings.epochs))
    reason = str(saved.state["stopped_for"]) or stopped_for
    return Epochs(saved.under("best."), int(saved.state["best_epoch"]), len(history), history, reason)


def _write_job(
    folder: Path,
    architecture: Architecture,
    batches: Batches,
    plan: Plan,
    *,
    size_px: tuple[int, int],
    device: str,
    scratch: Path,
) -> None:
    pixels: Any = batches.pixels
    job = {
        "architecture": asdict(architecture) | {"weights": str(architecture.weights or "")},
        "plan": asdict(plan),
        "augmentation": asdict(batches.augmentation),
        "seed": batches.seed,
        "pixels": {"file": str(pixels.filename), "shape": list(pixels.shape)},
        "size_px": list(size_px),
        "device": device,
        "scratch": str(scratch),
    }
    (folder / JOB_NAME).write_text(json.dumps(job), encoding="utf-8")
    arrays = {"truth": batches.truth, "train": batches.train, "val": batches.val, "weights": batches.weights}
    np.savez(folder / ARRAYS_NAME, allow_pickle=False, **arrays)


@contextlib.contextmanager
def _started(folder: Path, count: int, *, threads: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start the processes, and end them, whatever happens meanwhile."""
    children: list[subprocess.Popen[str]] = []
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(_ROOT)}
    try:
        with contextlib.ExitStack() as logs:
            for rank in range(count):
                log = logs.enter_context(_log_of(folder, rank).open("wb"))
                children.append(
                    subprocess.Popen(  # noqa: S603 - this interpreter, a module of this program
                        [sys.executable, "-m", CHILD, str(folder), str(rank)],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        text=True,
                        env=environment,
                        start_new_session=True,
                    )
                )
        yield children
    finally:
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()


def _listen(children: list[subprocess.Popen[str]], folder: Path, listener: Listener) -> None:
    """Pass on what the first process says until all have ended."""
    said: queue.Queue[dict[str, Any]] = queue.Queue()
    readers = [threading.Thread(target=_read, args=(child.stdout, said), daemon=True) for child in children]
    for reader in readers:
        reader.start()
    last: tuple[str, int, int] = ("start", 0, 1)
    while True:
        # What was said before the end is heard before it.
        ended = [child.poll() for child in children]
        try:
            message = said.get(timeout=_WAIT_S)
        except queue.Empty:
            failed = [rank for rank, status in enumerate(ended) if status not in (None, 0)]
            if failed:
                raise ModelError("training_process_failed", detail=_read_detail(folder, failed[0])) from None
            if all(status == 0 for status in ended):
                break
            listener.progress(*last)
            continue
        if message["kind"] == "error":
            raise ModelError(str(message["error"]), **message["params"])
        if message["kind"] == "epoch":
            listener.epoch(EpochFigures(**message["figures"]))
        else:
            last = (str(message["stage"]), int(message["done"]), int(message["total"]))
            listener.progress(*last)
    for reader in readers:
        reader.join()


def _read(stream: IO[str] | None, said: queue.Queue[dict[str, Any]]) -> None:
    for line in stream or ():
        said.put(json.loads(line))


def _log_of(folder: Path, rank: int) -> Path:
    return folder / f"process-{rank}.log"


def _read_detail(folder: Path, rank: int) -> str:
    text = _log_of(folder, rank).read_text(encoding="utf-8", errors="replace").strip()
    return (text.splitlines() or [f"process {rank}"])[-1][-_DETAIL_CHARACTERS:]
