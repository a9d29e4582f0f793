"""Import of a folder or ZIP file in one go: planned, and stored as far as it is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import BadInput
from core.images.exposures.assignment import NamedParts
from core.images.exposures.rules import PartRule
from core.images.exposures.splitting import check_share
from core.images.imports.planning import plan_import
from core.images.imports.records import ImportPlan, Listing
from core.images.imports.sources import open_source
from core.images.imports.storing import find_or_create_product, set_plan_aside, store_plan
from core.images.records import FileOutcome

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


@dataclass(frozen=True)
class ImportSummary:
    """What an import did: the codes of the products (by the name that the plan has), and one outcome a file.

    `parts` is what was known of the parts that the images show; the plan says what was left out and is still asked.
    """

    products: list[str]
    outcomes: list[FileOutcome]
    plan: ImportPlan = field(default_factory=lambda: ImportPlan(Listing(())))
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """The files that were not taken in, and the code of why."""
        return [(found.path, found.reason) for found in self.plan.left_out]

    @property
    def parts(self) -> NamedParts:
        """What is known of the parts that the images show."""
        named = {image.path: (image.part, image.part_source) for image in self.plan.images if image.part}
        return NamedParts(named, self.plan.unknown_parts, self.plan.unlisted, self.plan.unfitting)


def import_path(
    services: Services,
    person: Person,
    path: Path,
    *,
    product: str = "",
    as_role: str = "",
    decisions: Mapping[str, str] | None = None,
    part_rule: PartRule | None = None,
    part_list: dict[str, str] | None = None,
    test_share: float = 0.0,
    split_seed: int = 0,
    plan_only: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportSummary:
    """Import a folder or ZIP file; products and defect types that do not exist yet are made.

    What is not certain is left out and asked in the plan. Which part an image shows comes from `part_list` (part by
    path), else from `part_rule`; without either from folders that are one part each. `test_share` of the images whose
    folders name no split become test images: whole parts, drawn by `split_seed`. An image that was imported before gets
    the name of its part, if that is news. With `plan_only` nothing is stored. `progress` is told how many of how many
    files are done. Raises NotFound import_path_missing; BadInput test_share_invalid, import_not_an_archive,
    import_nothing_found, those of `plan_import` and of the archive; AppError when a store fails.
    """
    require_role(services, person, ENGINEER)
    check_share(test_share)
    with open_source(path) as source:
        plan = plan_import(
            source,
            product=product,
            as_role=as_role,
            decisions=decisions,
            part_rule=part_rule,
            part_list=part_list,
        )
        if not plan.images and not plan.questions and not source.refused:
            raise BadInput("import_nothing_found", path=str(path))
        plan = set_plan_aside(services, plan, share=test_share, seed=split_seed)
        outcomes = list(source.refused)
        if plan_only:
            return ImportSummary([], outcomes, plan, dict(plan.names))
        codes = {name: find_or_create_product(services, person, plan, name).code for name in plan.products}
        outcomes += store_plan(services, person, source, plan, progress=progress)
    return ImportSummary(sorted(set(codes.values())), outcomes, plan, codes)
