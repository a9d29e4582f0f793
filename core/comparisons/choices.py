"""Which methods can be chosen for a dataset version, and what those lack that cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, Person, require_role
from core.errors import AppError
from core.methods.records import MethodSpec
from core.methods.registry import list_methods
from core.methods.training_sets import list_training_views, read_training_set

if TYPE_CHECKING:
    from core.services import Services


@dataclass(frozen=True)
class MethodOffer:
    """A method, and what must be set, added or labeled before it can run on these images; None where it can.

    `choices` are, by field, the values that hang on what is stored, each with its name.
    """

    spec: MethodSpec
    obstacle: AppError | None
    choices: Mapping[str, tuple[tuple[Any, str], ...]] = field(default_factory=dict)


def list_offers(services: Services, person: Person, dataset_id: int) -> list[MethodOffer]:
    """Return every method, in the order in which they are offered. Raises NotAllowed, NotFound."""
    require_role(services, person, ENGINEER)
    sets = [read_training_set(services, dataset_id, view) for view in list_training_views(services, dataset_id)]
    offers = []
    for spec in list_methods():
        obstacle = spec.find_obstacle(services)
        lacking = [spec.find_data_obstacle(one) for one in sets]
        # One view that will do is enough to be chosen: the others are said in the result.
        if obstacle is None and lacking and all(one is not None for one in lacking):
            obstacle = lacking[0]
        choices: dict[str, tuple[tuple[Any, str], ...]] = {}
        for one in sets:
            for name, found in spec.list_choices(services, one).items():
                choices[name] = (*choices.get(name, ()), *found)
        if obstacle is None and any(not found for found in choices.values()):
            obstacle = next((why for one in sets if (why := spec.find_no_choice(services, one)) is not None), None)
        offers.append(MethodOffer(spec, obstacle, choices))
    return offers
