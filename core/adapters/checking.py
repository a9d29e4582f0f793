"""Trying an adapter: ten steps on a tiny set that is drawn here, and its network asked at the end."""

from __future__ import annotations

import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ENGINEER, Person, require_role
from core.adapters.records import AdapterCheck
from core.adapters.registry import note_check, open_adapter
from core.audit import record
from core.errors import AppError, NotFound, from_lower
from core.services import Services
from core.transactions import writing
from inference.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.vision.learning.adapters.launch import AdapterLaunch
    from inference.vision.learning.recipes.contract import EpochFigures, ExampleSet
    from inference.vision.learning.trained_network.description import Task

# An environment that has to be compiled, or a container that has to be unpacked, takes its time.
LONGEST_S = 1800.0
STEPS = 10
_SIDE_PX = 96
_PER_LABEL = 6


def check_adapter(
    services: Services,
    person: Person,
    name: str,
    *,
    task: str | None = None,
    longest_s: float = LONGEST_S,
    progress: Callable[[str, int, int], None] | None = None,
) -> AdapterCheck:
    """Have the adapter train ten steps on a tiny set, ask its network, and keep what came of it; return that.

    Its options `steps` and `epochs` are set to 10 and 1 where it has them. Raises NotAllowed, and what `open_adapter`
    raises; what goes wrong in the adapter is the result.
    """
    require_role(services, person, ENGINEER)
    launch = open_adapter(services, name)
    known = launch.manifest.tasks
    if task is not None and task not in known:
        raise NotFound("adapter_task", name=name, task=task)
    chosen: Task = next(one for one in ("classification", "segmentation", "detection") if one in (task or known))
    begun = time.monotonic()
    listener = _Listener(progress)
    error: AppError | None = None
    held: dict[str, bool] = {}
    scratch = Path(tempfile.mkdtemp(prefix="geomsa-adapter-"))
    try:
        held = _train(launch, chosen, scratch, listener, longest_s)
    except InferenceError as raised:
        error = from_lower(raised)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    check = AdapterCheck(chosen, time.monotonic() - begun, listener.epochs, held, error)
    note_check(services, name, launch.manifest.sha256, check)
    with writing(services) as session:
        failed = None if error is None else error.code
        record(session, person, "adapter.check", "adapter", None, name=name, failed=failed)
        session.commit()
    return check


def _train(launch: AdapterLaunch, task: Task, scratch: Path, listener: _Listener, longest_s: float) -> dict[str, bool]:
    from inference.vision.learning.adapters.recipe import AdapterRecipe
    from inference.vision.learning.recipes.contract import RecipeContext
    from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings, TrainingSettings
    from inference.vision.learning.trained_network.input import prepare_input
    from inference.vision.learning.trained_network.runtime import NetworkRuntime

    few = {"steps": STEPS, "epochs": 1}
    options = {one.name: few[one.name] for one in launch.manifest.options if one.name in few and one.kind == "int"}
    settings = RecipeSettings(
        input=InputSettings(_SIDE_PX, _SIDE_PX), training=TrainingSettings(epochs=1, batch_size=4), options=options
    )
    examples = draw_examples()
    network = AdapterRecipe(launch, task, longest_s=longest_s).train(
        examples, settings, RecipeContext(None), scratch=scratch, listener=listener
    )
    runtime = NetworkRuntime(network.graph, network.description)
    runtime.compute([prepare_input(one.load(), network.description) for one in examples.of("val")[:2]])
    return {name: bool(held) for name, held in network.figures["held_apart"].items()}


def draw_examples() -> ExampleSet:
    """Return a tiny set, drawn here: good plates, some with a bright spot, some with a dark line, marked and boxed."""
    from inference.vision.images.preprocessing import Preprocessing
    from inference.vision.learning.recipes.contract import GOOD, Example, ExampleSet

    labels = (GOOD, "spot", "line")
    examples = []
    for number in range(len(labels) * _PER_LABEL):
        label = labels[number % len(labels)]
        examples.append(
            Example(
                key=f"image:{number + 1}",
                label=label,
                is_defect=label != GOOD,
                part=f"part-{number}",
                split="val" if number >= len(labels) * (_PER_LABEL - 2) else "train",
                domain="",
                content_sha256=f"{number:064x}",
                load=partial(_draw, number, label),
                load_marks=partial(_mark, number, label),
                load_boxes=partial(_box, number, label),
            )
        )
    return ExampleSet(labels, frozenset({GOOD}), Preprocessing(), "rgb", tuple(examples))


def _place(number: int) -> tuple[int, int]:
    return 16 + number * 7 % 50, 20 + number * 11 % 45


def _draw(number: int, label: str):  # type: ignore[no-untyped-def]
    import numpy as np

    grain = np.random.default_rng(number).normal(0.0, 6.0, (_SIDE_PX, _SIDE_PX, 1))
    pixels = np.clip(120.0 + grain + np.zeros((1, 1, 3)), 0, 255).astype(np.uint8)
    for marked in _mark(number, label).values():
        pixels[marked] = 230 if label == "spot" else 20
    return pixels


def _mark(number: int, label: str):  # type: ignore[no-untyped-def]
    import numpy as np

    if label not in ("spot", "line"):
        return {}
    x, y = _place(number)
    width, height = (14, 14) if label == "spot" else (24, 4)
    mask = np.zeros((_SIDE_PX, _SIDE_PX), bool)
    mask[y : y + height, x : x + width] = True
    return {label: mask}


def _box(number: int, label: str):  # type: ignore[no-untyped-def]
    from inference.vision.learning.recipes.contract import LabeledBox

    if label not in ("spot", "line"):
        return ()
    x, y = _place(number)
    width, height = (14, 14) if label == "spot" else (24, 4)
    return (LabeledBox(float(x), float(y), float(width), float(height), label),)


class _Listener:
    """Counts epochs and passes on how far it is."""

    def __init__(self, tell: Callable[[str, int, int], None] | None) -> None:
        self._tell = tell
        self.epochs = 0

    def progress(self, stage: str, done: int, total: int) -> None:
        if self._tell is not None:
            self._tell(stage, done, total)

    def epoch(self, figures: EpochFigures) -> None:
        self.epochs = figures.epoch
