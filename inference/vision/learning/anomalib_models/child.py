"""What the child process runs: it trains one of anomalib's models by anomalib's engine, and exports it for OpenVINO.

    python -I child.py FOLDER PARENT_PID

FOLDER holds `config.json`, `train/good/*.png` (for EfficientAD also `val/good/*.png` and `outside/*.png`) and, after an
epoch, `checkpoints/last.ckpt`, from which the same call goes on. Standard output is one JSON object a line: {"stage",
"done", "total"}. At the end there are `graph.xml`, `graph.bin` and `result.json`, or `error.json` with {"error", …}.
The graph takes uint8 N×H×W×3 and gives the score N×1×1×1 and the map N×1×h×w, both float32.

anomalib takes many seconds to import, patches torch and Lightning, and asks its hub for weights: all of that ends with
this process, which has no network. Imports nothing of the product.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import os
import random
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PARENT_CHECK_S = 0.5
# How much the exported graph may differ from the model, as a share of the largest value: float32 in another order.
_TOLERANCE = 2e-3
_EFFICIENT_AD = "efficientad"
_log = logging.getLogger("anomalib_child")


def main(arguments: list[str]) -> int:
    """Train what the folder asks for; the exit status is 0 only where there is a result."""
    folder, parent = Path(arguments[0]), int(arguments[1])
    _watch(parent)
    _close_network()
    say = _claim_output()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        say("import", 0, 1)
        result = _train(folder, config, say)
    except _Refusal as refusal:
        return _fail(folder, refusal.what, detail=refusal.detail)
    except MemoryError:
        return _fail(folder, "out_of_memory")
    except Exception as error:  # noqa: BLE001 - whatever went wrong in there, the parent is to know a line of it
        _log.exception("the training failed")
        line = (str(error).strip().splitlines() or [""])[0]
        if "allocate memory" in str(error):  # torch's own allocator on the CPU has no error of its own
            return _fail(folder, "out_of_memory")
        return _fail(folder, "failed", detail=f"{type(error).__name__}: {line}"[:300])
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return 0


class _Refusal(Exception):
    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(what)
        self.what, self.detail = what, detail


def _fail(folder: Path, what: str, **values: str) -> int:
    (folder / "error.json").write_text(json.dumps({"error": what, **values}), encoding="utf-8")
    return 1


def _watch(parent: int) -> None:
    """End this process and what it started once the parent is gone, however it ended."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=look, daemon=True, name="parent").start()


def _close_network() -> None:
    """Refuse every connection: a file that is missing is an error here, and not a download."""

    def refuse(*_arguments: object, **_values: object) -> Any:
        raise OSError("there is no network in here")

    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, refuse)
    socket.create_connection = refuse
    socket.getaddrinfo = refuse


def _claim_output() -> Callable[[str, int, int], None]:
    """Return what writes progress; whatever libraries print goes to standard error from now on."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def say(stage: str, done: int, total: int) -> None:
        lines.write(json.dumps({"stage": stage, "done": done, "total": total}) + "\n")

    return say


def _train(folder: Path, config: dict[str, Any], say: Callable[[str, int, int], None]) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    import torch

    torch.set_num_threads(int(config["threads"]))
    torch.use_deterministic_algorithms(True)
    if config.get("weights") and config["model"] != _EFFICIENT_AD:
        _offer_weights(str(config["weights"]))
    from anomalib.engine import Engine

    seed, epochs = int(config["seed"]), int(config["epochs"])
    _seed(seed, 0)
    model = _make_model(folder, config)
    losses = _Losses()
    engine = Engine(
        default_root_dir=folder / "engine",
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        deterministic=True,
        callbacks=_make_callbacks(folder, seed, epochs, say, losses),
    )
    checkpoint = folder / "checkpoints" / "last.ckpt"
    engine.fit(
        model, datamodule=_make_data(folder, config, model), ckpt_path=checkpoint if checkpoint.is_file() else None
    )
    if not all(math.isfinite(loss) for loss in losses.values.values()):
        raise _Refusal("diverged", str(len(losses.values)))
    say("export", 0, 1)
    if config["model"] == _EFFICIENT_AD:
        _beside("efficient_ad").fit_map(model, sorted((folder / "val" / "good").glob("*.png")))
    module = _make_graph(model, config["model"]).eval().requires_grad_(False)
    _export(module, int(config["size_px"]), folder)
    say("export", 1, 1)
    return {"epochs": epochs, "losses": [losses.values.get(epoch) for epoch in range(epochs)]}


def _seed(seed: int, step: int) -> None:
    """Draw whatever is random anew for each step: a training that goes on ends as if it had never stopped."""
    import numpy
    import torch

    value = (seed * 1_000_003 + step) % 2**32
    random.seed(value)
    numpy.random.seed(value)
    torch.manual_seed(value)


def _offer_weights(path: str) -> None:
    """Have timm read a pretrained network from this file, where anomalib would have it fetched."""
    import timm

    create = timm.create_model

    def create_from_file(*arguments: Any, **values: Any) -> Any:
        if values.get("pretrained"):
            values["pretrained_cfg_overlay"] = {"file": path}
        return create(*arguments, **values)

    timm.create_model = create_from_file


def _beside(name: str) -> Any:
    """Return the module of this folder: the child has no search path of the product."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make_model(folder: Path, config: dict[str, Any]) -> Any:
    """Return anomalib's model, without what it would measure and draw by itself."""
    from anomalib.models.image.dinomaly import Dinomaly
    from anomalib.models.image.ganomaly import Ganomaly
    from anomalib.models.image.supersimplenet import Supersimplenet
    from anomalib.pre_processing import PreProcessor
    from torchvision.transforms.v2 import Compose, Normalize, Resize

    class StepwiseDinomaly(Dinomaly):
        """Dinomaly whose learning rate follows the steps, as in its paper: Lightning would take epochs for them."""

        def configure_optimizers(self) -> Any:
            found: Any = super().configure_optimizers()
            optimizers, schedulers = found
            return optimizers, [{"scheduler": schedulers[0], "interval": "step"}]

    size = (int(config["size_px"]), int(config["size_px"]))
    # What anomalib takes for all: it has no effect on the size of what is given here. EfficientAD normalizes itself.
    steps: list[Any] = [Resize(size, antialias=True)]
    if config["model"] != _EFFICIENT_AD:
        steps.append(Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]))
    plain: dict[str, Any] = {
        "pre_processor": PreProcessor(transform=Compose(steps)),
        "post_processor": False,
        "evaluator": False,
        "visualizer": False,
    }
    if config["model"] == "ganomaly":
        return Ganomaly(batch_size=int(config["batch_size"]), **plain)
    if config["model"] == "supersimplenet":
        return Supersimplenet(**plain)
    if config["model"] == "dinomaly":
        return StepwiseDinomaly(encoder_name=str(config["encoder"]), **plain)
    if config["model"] == _EFFICIENT_AD:
        return _beside("efficient_ad").make_efficient_ad(Path(config["weights"]), folder / "outside", plain)
    raise _Refusal("failed", f"there is no model {config['model']}")


def _make_data(folder: Path, config: dict[str, Any], model: Any) -> Any:
    import torch
    from anomalib.data import Folder
    from torch.utils.data import DataLoader, Sampler

    class EpochOrder(Sampler):  # type: ignore[type-arg]
        """An order of its own for each epoch, whatever was drawn before."""

        def __init__(self, count: int) -> None:
            self._count = count

        def __len__(self) -> int:
            return self._count

        def __iter__(self) -> Iterator[int]:
            drawing = torch.Generator().manual_seed(int(config["seed"]) * 1_000_003 + int(model.current_epoch))
            return iter(torch.randperm(self._count, generator=drawing).tolist())

    class OrderedFolder(Folder):
        def train_dataloader(self) -> Any:
            data = self.train_data
            return DataLoader(
                data,
                batch_size=int(config["batch_size"]),
                sampler=EpochOrder(len(data)),
                num_workers=0,
                collate_fn=data.collate_fn,
            )

    return OrderedFolder(
        name="images",
        root=folder,
        normal_dir="train/good",
        train_batch_size=int(config["batch_size"]),
        test_split_mode="none",
        val_split_mode="none",
        num_workers=0,
        seed=int(config["seed"]),
    )


class _Losses:
    """The mean loss of each epoch."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}


def _make_callbacks(
    folder: Path, seed: int, epochs: int, say: Callable[[str, int, int], None], losses: _Losses
) -> list[Any]:
    from anomalib.callbacks import ModelCheckpoint
    from lightning.pytorch.callbacks import Callback

    class Teller(Callback):
        def __init__(self) -> None:
            self._sum, self._count = 0.0, 0

        def on_train_epoch_start(self, trainer: Any, _module: Any) -> None:
            self._sum, self._count = 0.0, 0
            say("train", trainer.current_epoch, epochs)

        def on_train_batch_start(self, trainer: Any, *_rest: Any) -> None:
            # At every step: what is drawn between two of them is another number after a stop.
            _seed(seed, trainer.global_step)

        def on_train_batch_end(self, trainer: Any, _module: Any, outputs: Any, *_rest: Any) -> None:
            values = [float(value) for name, value in dict(outputs or {}).items() if name.endswith("loss")]
            self._sum, self._count = self._sum + sum(values), self._count + 1
            say("train", trainer.current_epoch, epochs)

        def on_train_epoch_end(self, trainer: Any, _module: Any) -> None:
            losses.values[trainer.current_epoch] = self._sum / max(1, self._count)

        # A training that goes on tells of all its epochs.
        def state_dict(self) -> dict[str, Any]:
            return {"losses": {str(epoch): loss for epoch, loss in losses.values.items()}}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            losses.values.update({int(epoch): float(loss) for epoch, loss in state_dict["losses"].items()})

    kept = ModelCheckpoint(
        dirpath=folder / "checkpoints", filename="last", save_top_k=1, every_n_epochs=1, enable_version_counter=False
    )
    return [Teller(), kept]


def _make_graph(model: Any, name: str) -> Any:
    """Return the model with what is done to its input, from bytes to score and map."""
    import torch

    last = model.pre_processor.transform.transforms[-1]
    means, deviations = getattr(last, "mean", [0.0] * 3), getattr(last, "std", [1.0] * 3)
    inner = model.model.eval()
    least = _beside("efficient_ad").find_least(model) if name == _EFFICIENT_AD else 0.0

    class Graph(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            mean = torch.tensor(list(means)).view(1, 3, 1, 1)
            std = torch.tensor(list(deviations)).view(1, 3, 1, 1)
            self.register_buffer("scale", 1.0 / (255.0 * std))
            self.register_buffer("shift", -mean / std)

        def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
            pixels = batch.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift
            if name == "ganomaly":
                # It has a score only, of the latent vectors. Where it reconstructs badly is its map.
                drawn, before, after = self.inner.generator(pixels)
                score = torch.mean(torch.pow(before - after, 2), dim=1)
                found = torch.mean(torch.pow(pixels - drawn, 2), dim=1, keepdim=True)
            else:
                answer = self.inner(pixels)
                score, found = answer.pred_score - least, answer.anomaly_map - least
            return [score.reshape(-1, 1, 1, 1), found.reshape(-1, 1, found.shape[-2], found.shape[-1])]

    return Graph()


def _export(module: Any, size_px: int, folder: Path) -> None:
    """Write the graph and prove that it computes what the model does."""
    import openvino
    import torch
    from torch.nn import functional

    pictures = torch.randint(0, 256, (2, size_px, size_px, 3), dtype=torch.uint8, generator=torch.Generator())
    with torch.no_grad():
        wanted = [value.numpy() for value in module(pictures)]
        setattr(functional, "cosine_similarity", _cosine_similarity)  # noqa: B010 - torch declares it unchangeable
        converted = openvino.convert_model(
            module, example_input=pictures, input=[openvino.PartialShape([-1, size_px, size_px, 3])]
        )
    openvino.save_model(converted, folder / "graph.xml", compress_to_fp16=False)
    core = openvino.Core()
    read = core.read_model(folder / "graph.xml")
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([pictures.numpy()])
    for place, value in enumerate(wanted):
        difference = float(abs(found[place] - value).max())
        if not difference <= _TOLERANCE * max(float(abs(value).max()), 1e-6):
            raise _Refusal("failed", f"the exported graph differs from the model by {difference:.3g}")


def _cosine_similarity(first: Any, second: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Compute what torch's function of this name does, for which the converter has no rule."""
    lengths = first.norm(dim=dim).clamp_min(eps) * second.norm(dim=dim).clamp_min(eps)
    return (first * second).sum(dim=dim) / lengths


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    sys.exit(main(sys.argv[1:]))
