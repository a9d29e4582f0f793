"""Letting a whole build choose how it looks at a product's images, and saying so in the job's log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs.progress import JobRun
from core.models.input_figures import InputFigures, input_messages

if TYPE_CHECKING:
    from inference.vision.detection.detector import DetectorConfig, ImageSource, LabeledSource, Progress
    from inference.vision.detection.specification import AnyDetectorSpec


def choose_input(
    run: JobRun,
    label: str,
    spec: AnyDetectorSpec,
    normals: Sequence[ImageSource],
    defects: Sequence[LabeledSource],
    config: DetectorConfig,
    *,
    weights: Path | None,
    progress: Progress,
) -> tuple[DetectorConfig, InputFigures | None]:
    """Return the configuration to build with, and what the choice stands on; None for a detector without a choice.

    Raises JobLost, JobCancelled, and the errors of the engine.
    """
    started = time.monotonic()
    config, choice = spec.choose_input(
        normals, defects, config, device=run.services.models.device, weights=weights, progress=progress
    )
    if choice is None:
        return config, None
    figures = InputFigures.from_engine(choice)
    if figures.compared:
        for code, params in input_messages(figures):
            run.log("log_input_chosen", product=label, reason=code, reason_params=params)
        run.log("log_input_time", product=label, seconds=f"{time.monotonic() - started:.1f}")
    return config, figures
