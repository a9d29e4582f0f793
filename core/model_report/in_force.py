"""The thresholds that a product is inspected with now, and others by any method, for programs and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, require_role
from core.catalog.names import spoken_name
from core.catalog.views import choose_view, speak
from core.errors import NotFound, NotReady
from core.model_report.cheapest import cheapest_pair
from core.model_report.confusion import confusion_at
from core.model_report.costs import read_costs, read_line_rate
from core.model_report.methods import METHODS, propose_method
from core.model_report.reading import find_head, list_entries, read_scored
from core.model_report.records import (
    CheapestPair,
    Confusion,
    Costs,
    Proposal,
    ScoredImage,
    ThresholdEntry,
    VersionHead,
)
from core.models.kinds import MEMORY_BANK
from core.registry.test_scores import find_measurement
from core.registry.thresholds import CHEAPEST
from core.registry.versions import active_version
from core.transactions import HasDatabase, reading
from storage.tables import Product

if TYPE_CHECKING:
    from sqlmodel import Session

    from core.access import Person
    from core.services import Services

ALL_METHODS = (*METHODS, CHEAPEST)


@dataclass(frozen=True)
class ProductThresholds:
    """The memory bank in use with all thresholds that it has had, those in force first.

    `images` are its scored test images, empty where it was not measured.
    """

    head: VersionHead
    entries: tuple[ThresholdEntry, ...]
    images: tuple[ScoredImage, ...]

    @property
    def in_force(self) -> ThresholdEntry:
        """Return the thresholds in force."""
        return self.entries[0]

    def count_at(self, review_at: float, reject_at: float) -> Confusion | None:
        """Return what two thresholds make of the test images; None where none was measured."""
        return confusion_at(self.images, review_at, reject_at) if self.images else None


@dataclass(frozen=True)
class Suggestion:
    """Two thresholds that a method gives, and what to store with them: `figures` as JSON. `warnings` are codes."""

    review_at: float
    reject_at: float
    method: str
    figures: Mapping[str, Any]
    warnings: tuple[str, ...]
    found: Proposal | CheapestPair


def read_product_thresholds(services: HasDatabase, product_id: int, view: str | None = None) -> ProductThresholds:
    """Return what the product, or one of its views, is inspected with now.

    Raises NotFound (also view_unknown, and view_not_said where there are several), NotReady(`no_active_memory_bank`).
    """
    with reading(services) as session:
        product = session.get(Product, product_id)
        if product is None:
            raise NotFound("not_found")
        code = choose_view(session, product, view)
        active = active_version(session, MEMORY_BANK, product_id, view=code)
        if active is None:
            raise NotReady("no_active_memory_bank", product=speak(session, product, code))
        return ProductThresholds(
            find_head(session, active.id), list_entries(session, active.id), _read_images(session, active.id)
        )


def suggest_thresholds(
    services: Services,
    person: Person,
    version_id: int,
    method: str,
    *,
    percent: float | None = None,
    k: float | None = None,
    defect_rate: float | None = None,
) -> Suggestion:
    """Return the thresholds that a method gives (percentile, mean_std, f1_max, cheapest); nothing is stored.

    `cheapest` takes what mistakes cost the product, and `defect_rate`, else the rate that a person has set, else that
    of recent inspections. Raises as `propose_method` and `cheapest_pair`, NotReady(`report_not_measured`,
    `defect_rate_unknown`).
    """
    require_role(services, person, ENGINEER)
    if method != CHEAPEST:
        found = propose_method(services, person, version_id, method, percent=percent, k=k)
        return Suggestion(found.review_at, found.reject_at, method, found.figures.to_json(), found.warnings, found)
    with reading(services) as session:
        head, images = find_head(session, version_id), _read_images(session, version_id)
    if not images:
        raise NotReady("report_not_measured", product=spoken_name(head.product), number=head.number)
    costs = read_costs(services, head.product_id)
    rate = _rate(services, head.product_id, costs, defect_rate)
    pair = cheapest_pair(images, costs, defect_rate=rate)
    figures = {
        "costs": {"escape": costs.escape, "overkill": costs.overkill, "review": costs.review},
        "currency": costs.currency,
        "defect_rate": rate,
        "cost_per_part": pair.cost.total,
        "n_good": pair.n_good,
        "n_defect_test": pair.n_defect,
    }
    return Suggestion(pair.review_at, pair.reject_at, CHEAPEST, figures, pair.warnings, pair)


def _rate(services: HasDatabase, product_id: int, costs: Costs, given: float | None) -> float:
    rate = given if given is not None else costs.defect_rate
    if rate is None:
        # Without a defect among them, recent inspections do not say how seldom defects are.
        rate = read_line_rate(services, product_id).rate or None
    if rate is None:
        raise NotReady("defect_rate_unknown")
    return rate


def _read_images(session: Session, version_id: int) -> tuple[ScoredImage, ...]:
    measurement = find_measurement(session, version_id)
    return () if measurement is None else read_scored(session, measurement)
