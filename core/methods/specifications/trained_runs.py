"""A finished training run as a method: nothing is trained again, and what it has seen is no test for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import AppError, BadInput, Conflict, NotReady
from core.i18n import N_
from core.methods.records import AskedSpec, ConfigField, MethodConfig, TrainingSet
from core.methods.trained_networks import find_finished_run, list_finished_runs, load_network, read_shown

if TYPE_CHECKING:
    from core.services import Services
    from inference.vision.comparison.predictions import Method
    from storage.tables import TrainingRun

TRAINED_RUN = "trained_run"
RUN = "run"
_HIGHEST_RUN = 2**31 - 1


@dataclass(frozen=True)
class TrainedRunConfig:
    """Which run is asked."""

    run: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {RUN: self.run}


class TrainedRunSpec(AskedSpec):
    """The method `trained_run`: the option `run` is the number of a finished run of the same product and view."""

    name = TRAINED_RUN
    title = N_("Training run")
    description = N_(
        "A network that was trained on the training screen. Only images that it was not shown there are a fair test: a "
        "run that has seen any of the test images is refused."
    )
    fields = (
        ConfigField(
            RUN,
            N_("Training run"),
            N_("Which finished run is asked."),
            "int",
            None,
            lowest=1,
            highest=_HIGHEST_RUN,
        ),
    )
    names_types = True
    hangs_on_stored = True

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values.

        Raises BadInput(`method_option_unknown`, `trained_run_not_named`).
        """
        for name in values:
            if name != RUN:
                raise BadInput("method_option_unknown", method=self.name, field=name, choices=RUN)
        run = values.get(RUN)
        if isinstance(run, bool) or not isinstance(run, int) or not 1 <= run <= _HIGHEST_RUN:
            raise BadInput("trained_run_not_named")
        return TrainedRunConfig(run)

    def list_choices(self, services: Services, training: TrainingSet) -> Mapping[str, tuple[tuple[int, str], ...]]:
        """Return the runs of the product and view for which the images are a fair test, the newest first."""
        runs = list_finished_runs(services, product_id=training.product_id, view=training.view)
        fair = [run for run in runs if not _count_seen(services, training, run)]
        return {RUN: tuple((run.id, run.name or f"{run.recipe} {run.id}") for run in fair)}

    def find_choice_obstacle(self, services: Services, training: TrainingSet, config: MethodConfig) -> AppError | None:
        """Return why the run cannot be asked about these images: of another product or view, or it has seen them."""
        assert isinstance(config, TrainedRunConfig)
        try:
            find_run_for(services, training, config.run)
        except AppError as error:
            return error
        return None

    def find_no_choice(self, services: Services, training: TrainingSet) -> AppError | None:
        """Return why there is no run that can be asked about these images."""
        runs = list_finished_runs(services, product_id=training.product_id, view=training.view)
        if not runs:
            return NotReady("trained_run_none")
        return self.find_choice_obstacle(services, training, TrainedRunConfig(runs[0].id))

    def open(self, services: Services, training: TrainingSet, config: MethodConfig) -> Method:
        """Return the network of the run.

        Raises NotFound(`trained_run_unknown`), NotReady(`trained_run_unfinished`), BadInput(`trained_run_elsewhere`),
        Conflict(`trained_run_has_seen`), and what loading raises.
        """
        assert isinstance(config, TrainedRunConfig)
        return load_network(services, find_run_for(services, training, config.run))


def find_run_for(services: Services, training: TrainingSet, run_id: int) -> TrainingRun:
    """Return a run that can honestly be measured on these images.

    Contents of files are compared, and parts by name: another picture of a part that was learned is no test either.
    Raises as `TrainedRunSpec.open`.
    """
    run = find_finished_run(services, run_id)
    if run.product_id != training.product_id or run.view != training.view:
        raise BadInput("trained_run_elsewhere", number=run.id, name=run.name)
    seen = _count_seen(services, training, run)
    if seen:
        raise Conflict(
            "trained_run_has_seen", number=run.id, name=run.name, count=seen, total=len(training.of("val", "test"))
        )
    return run


def _count_seen(services: Services, training: TrainingSet, run: TrainingRun) -> int:
    """Return how many images the run knows: those of the test that it was shown, of validation that it learned from.

    That its own validation is validation here, too, is how every method's threshold is chosen.
    """
    if run.dataset_version_id == training.dataset_version_id:
        return 0  # no part is in two splits of one version
    learned, shown = read_shown(services, run, "train"), read_shown(services, run, "train", "val")
    return sum(
        1
        for sample in training.of("val", "test")
        if (shown if sample.split == "test" else learned).knows(
            # An image that is a part of its own has its key for a name.
            sample.content_sha256,
            "" if sample.part == sample.key else sample.part,
        )
    )
