"""Trains a model of anomalib in a child process with limits on memory, time and silence, and reads what it made.

anomalib takes some 17 s to import and changes torch and Lightning for whoever imports it; its training takes what
memory it wants. All of that ends with the child, which has no network, no key in its environment, and a folder of its
own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.processes import read_resident_bytes
from inference.vision.images.encoding import encode_png
from inference.vision.learning.anomalib_models.models import find_anomalib_model
from inference.vision.networks.graphs import PortableGraph

Progress = Callable[[str, int, int], None]

MEMORY_BYTES = 12 * 1024**3
LONGEST_S = 24 * 3600.0
# Importing takes half a minute on a busy machine, a batch of the largest model some seconds.
SILENT_S = 900.0
CHECKPOINTS = "checkpoints"
_CHILD = Path(__file__).with_name("child.py")
_CHECK_S = 0.25
_LINE_CHARACTERS = 10_000
_WAITING_LINES = 1000
_DOCUMENT_BYTES = 4 * 1024**2
_GRAPH_BYTES = 4 * 1024**3
_STAGES = ("import", "train", "export")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnomalibConfig:
    """What is trained: a model's name, the side of its input, epochs (passes over the images), and the seed."""

    model: str
    size_px: int
    epochs: int
    seed: int = 0


@dataclass(frozen=True)
class Limits:
    """Where a child is ended: bytes of memory, seconds in all, seconds without a word."""

    memory_bytes: int = MEMORY_BYTES
    longest_s: float = LONGEST_S
    silent_s: float = SILENT_S


@dataclass(frozen=True)
class AnomalibTraining:
    """What training gave: the graph, from uint8 N×H×W×3 to score and map, and the mean loss of each epoch."""

    portable: PortableGraph
    losses: tuple[float, ...]


def train_anomalib(
    images: Iterable[NDArray[np.uint8]],
    config: AnomalibConfig,
    *,
    folder: Path,
    weights: Path | None = None,
    validation: Iterable[NDArray[np.uint8]] = (),
    outside: Iterable[NDArray[np.uint8]] = (),
    progress: Progress | None = None,
    limits: Limits | None = None,
    child: Path = _CHILD,
) -> AnomalibTraining:
    """Return a model of anomalib trained on good images, RGB uint8 of `size_px` squared.

    `weights`, and for some models `validation` (good images that are not trained on) and `outside` (images that show
    nothing of the product), of the same kind and size, are what the model needs beside them: see `AnomalibModel`.
    `folder` is its own: a checkpoint is kept there after every epoch, from which the same call goes on; one of other
    images, weights or settings is removed. The same images and settings give the same graph on one machine's CPU.
    `progress` gets the stages `import`, `train` and `export`, several times a second; what it raises ends the child and
    comes through. `child` is the script that is run. Raises ModelError: `anomalib_failed`,
    `anomalib_memory`, `anomalib_timeout`, `anomalib_silent`, `training_failed`, `config_invalid`.
    """
    tell = progress or _ignore
    limits = limits or Limits()
    model = find_anomalib_model(config.model)
    if config.size_px not in model.sizes_px:
        raise ModelError("config_invalid", field="size_px", value=config.size_px)
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        **asdict(config),
        "batch_size": model.batch_size,
        "encoder": model.encoder,
        "weights": None if weights is None else str(weights.resolve()),
        # Sums depend on the number of threads, and the same training is to give the same model everywhere.
        "threads": 1,
    }
    identity = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    if weights is not None:
        identity.update(_hash_file(weights))
    for place, given in (("train/good", images), ("val/good", validation), ("outside", outside)):
        identity.update(place.encode())
        _lay_out(given, folder / place, identity)
    _keep_if_same(folder, identity.hexdigest())
    _write(folder / "config.json", document)
    with _Child(child, folder, limits, title=model.title) as running:
        running.follow(tell)
    return _read_result(folder, model.title)


def _ignore(_stage: str, _done: int, _total: int) -> None:
    pass


def _lay_out(images: Iterable[NDArray[np.uint8]], folder: Path, identity: Any) -> None:
    """Write the images as anomalib reads them, and take them into the identity."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, pixels in enumerate(images):
        content = encode_png(pixels)
        identity.update(hashlib.sha256(content).digest())
        (folder / f"{number:08d}.png").write_bytes(content)


def _keep_if_same(folder: Path, identity: str) -> None:
    """Remove what another training left, and everything that an earlier try ended with."""
    mark = folder / "identity"
    if not mark.is_file() or mark.read_text(encoding="ascii", errors="replace") != identity:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    mark.write_text(identity, encoding="ascii")
    for name in ("result.json", "error.json", "graph.xml", "graph.bin"):
        (folder / name).unlink(missing_ok=True)


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def _hash_file(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


class _Child:
    """A child at work, in a process group of its own; it is gone when the block is left."""

    def __init__(self, script: Path, folder: Path, limits: Limits, *, title: str) -> None:
        self._folder = folder
        self._limits = limits
        self._title = title
        self._log_file = (folder / "child.log").open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file, no shell
            [sys.executable, "-I", str(script), str(folder.resolve()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log_file,
            env=_environment(folder.resolve()),
            cwd=folder,
            start_new_session=True,
        )
        self._lines: queue.Queue[bytes] = queue.Queue(_WAITING_LINES)
        self._reader = threading.Thread(target=self._read, daemon=True, name="anomalib-lines")
        self._reader.start()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_details: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=5.0)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log_file.close()

    def follow(self, progress: Progress) -> None:
        """Wait for the end, telling how far it is. Raises ModelError for an end that is no good one."""
        begun = heard = time.monotonic()
        stage, done, total = "import", 0, 1
        while self._process.poll() is None:
            progress(stage, done, total)
            for line in self._take():
                heard = time.monotonic()
                stage, done, total = _read_line(line) or (stage, done, total)
            now = time.monotonic()
            if now - begun > self._limits.longest_s:
                raise ModelError("anomalib_timeout", model=self._title, limit_s=round(self._limits.longest_s))
            if now - heard > self._limits.silent_s:
                raise ModelError("anomalib_silent", model=self._title, limit_s=round(self._limits.silent_s))
            if read_resident_bytes(self._process.pid) > self._limits.memory_bytes:
                raise self._too_much_memory()
        if self._process.returncode != 0:
            raise self._explain()

    def _take(self) -> Iterator[bytes]:
        """Yield the lines that have come, after waiting a moment for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._lines.get(timeout=_CHECK_S)
            while True:
                yield self._lines.get_nowait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            while line := self._process.stdout.readline(_LINE_CHARACTERS):
                # What nobody has read yet is enough: progress may be lost, results come by files.
                with contextlib.suppress(queue.Full):
                    self._lines.put_nowait(line)

    def _explain(self) -> ModelError:
        found = _read_document(self._folder / "error.json")
        what, detail = str(found.get("error", "")), str(found.get("detail", ""))[:300]
        _log.warning("the training of %s ended with %s: %s %s", self._title, self._process.returncode, what, detail)
        if what in ("failed", "diverged"):
            # What it went on from may be what it failed by: the next try begins anew.
            shutil.rmtree(self._folder / CHECKPOINTS, ignore_errors=True)
        if what == "out_of_memory" or (not what and self._process.returncode == -signal.SIGKILL):
            return self._too_much_memory()
        if what == "diverged":
            return ModelError("training_failed", epoch=detail)
        return ModelError("anomalib_failed", model=self._title, detail=detail or f"exit {self._process.returncode}")

    def _too_much_memory(self) -> ModelError:
        return ModelError("anomalib_memory", model=self._title, limit_gb=max(1, self._limits.memory_bytes // 1024**3))


def _environment(folder: Path) -> dict[str, str]:
    """Return what the child may know: nothing of ours, no hub, no telemetry, and its folder as its home."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "NO_ALBUMENTATIONS_UPDATE": "1",
    }


def _read_line(line: bytes) -> tuple[str, int, int] | None:
    """Return stage, done and total, None for a line that is none of ours."""
    try:
        found = json.loads(line)
        stage, done, total = found["stage"], found["done"], found["total"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    whole = type(done) is int and type(total) is int
    return (stage, done, total) if stage in _STAGES and whole and 0 <= done <= total else None


def _read_document(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _DOCUMENT_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _read_result(folder: Path, title: str) -> AnomalibTraining:
    """Return what the child left. Raises ModelError(`anomalib_failed`) for a child that left something else."""
    losses = _read_document(folder / "result.json").get("losses")
    files = (folder / "graph.xml", folder / "graph.bin")
    try:
        if not isinstance(losses, list) or not all(
            isinstance(loss, int | float) and math.isfinite(loss) for loss in losses
        ):
            raise ModelError("anomalib_failed", model=title, detail="result.json")
        if sum(file.stat().st_size for file in files) > _GRAPH_BYTES:
            raise ModelError("anomalib_failed", model=title, detail="graph.bin")
        portable = PortableGraph(files[0].read_bytes(), files[1].read_bytes())
    except OSError as error:
        raise ModelError("anomalib_failed", model=title, detail=Path(str(error.filename)).name) from error
    return AnomalibTraining(portable, tuple(float(loss) for loss in losses))
