"""Open-vocabulary grounding as a method: each defect type is looked for by its phrase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import AppError, NotReady
from core.i18n import N_
from core.methods.options import read_options
from core.methods.records import AskedSpec, ConfigField, LabelWords, MethodConfig, TrainingSet
from core.methods.visual.grounding_weights import find_grounding_obstacle, load_grounder
from inference.language.grounding.folder import NETWORKS
from inference.language.grounding.method import GroundingMethod, Phrase

if TYPE_CHECKING:
    from core.services import Services

VLG = "vlg"


@dataclass(frozen=True)
class VlgConfig:
    """The network that looks for the phrases."""

    network: str = NETWORKS[0].name

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"network": self.network}


class VlgSpec(AskedSpec):
    """The method `vlg`."""

    name = VLG
    title = N_("Open-vocabulary grounding (VLG)")
    description = N_(
        "A network looks for the phrase of each defect type, without any training. The score is that of the best box; "
        "which score makes a defect comes from the validation images."
    )
    fields = (
        ConfigField(
            "network",
            N_("Network"),
            N_("Which of the added networks looks for the phrases."),
            "choice",
            NETWORKS[0].name,
            choices=tuple((network.name, network.title) for network in NETWORKS),
        ),
    )
    names_types = True

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration in plain values. Raises BadInput(`method_option_…`)."""
        return VlgConfig(**read_options(self.name, self.fields, values).values)

    def find_obstacle(self, services: Services) -> AppError | None:
        """Return that no network is here, and how one is added; None where there is one."""
        return find_grounding_obstacle(services.settings)

    def find_data_obstacle(self, training: TrainingSet) -> AppError | None:
        """Return that there is no defect type to look for; None where there is."""
        return None if make_phrases(training.labels) else NotReady("grounding_phrases_missing")

    def open(self, services: Services, training: TrainingSet, config: MethodConfig) -> GroundingMethod:
        """Return the network with the phrases of these images. Raises NotReady, ModelError."""
        assert isinstance(config, VlgConfig)
        return GroundingMethod(load_grounder(services, config.network), make_phrases(training.labels))


def make_phrases(labels: Iterable[LabelWords]) -> tuple[Phrase, ...]:
    """Return what is looked for of each defect type: its phrase, or else its English name."""
    return tuple(
        Phrase(found.label, (found.phrase or found.name_en or found.label).replace("_", " "))
        for found in labels
        if not found.is_good
    )
