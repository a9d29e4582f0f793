"""A trained network in the scratch folder of its run: whoever goes on after a kill does not train it again."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.models.kinds import TRAINED_NETWORK
from inference.errors import InferenceError

if TYPE_CHECKING:
    from inference.vision.learning.trained_network.description import NetworkDescription

logger = logging.getLogger(__name__)

_NAME = "trained"


@dataclass(frozen=True)
class Trained:
    """What training gave: as `TrainedNetwork`, in plain values."""

    graph: bytes = field(repr=False)
    description: NetworkDescription
    best_epoch: int
    epochs_done: int
    val: Mapping[str, Any]
    figures: Mapping[str, Any]
    skipped: Mapping[str, str]
    stopped_for: str


def keep_trained(scratch: Path, trained: Trained) -> None:
    """Write the network into the scratch folder, whole or not at all. Raises OSError."""
    from inference.vision.learning.trained_network.bundle import write_network

    about = {
        "best_epoch": trained.best_epoch,
        "epochs_done": trained.epochs_done,
        "val": trained.val,
        "figures": trained.figures,
        "skipped": dict(trained.skipped),
        "stopped_for": trained.stopped_for,
    }
    part = scratch / f"{_NAME}-{uuid.uuid4().hex}"
    write_network(part, trained.graph, trained.description, figures=about)
    part.rename(scratch / _NAME)


def read_trained(scratch: Path) -> Trained | None:
    """Return what an earlier attempt has trained; None where there is nothing, or nothing whole."""
    from inference.artifact import read_bundle
    from inference.vision.learning.trained_network.bundle import read_network

    folder = scratch / _NAME
    if not folder.is_dir():
        return None
    try:
        bundle = read_bundle(folder, kind=TRAINED_NETWORK)
        about = bundle.metadata["figures"]
        return Trained(
            *read_network(bundle),
            best_epoch=int(about["best_epoch"]),
            epochs_done=int(about["epochs_done"]),
            val=about["val"],
            figures=about["figures"],
            skipped=about["skipped"],
            stopped_for=str(about["stopped_for"]),
        )
    except (InferenceError, KeyError, TypeError, ValueError) as error:
        logger.warning("what was trained in %s cannot be read, it is trained again: %s", scratch.name, error)
        shutil.rmtree(folder, ignore_errors=True)
        return None
