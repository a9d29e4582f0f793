"""How the memory bank in use looks at a product's images, and why: what its build has chosen."""

from __future__ import annotations

from core.models.detection_figures import BankFigures
from core.models.input_figures import InputFigures
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version
from core.transactions import HasDatabase, reading


def read_input_choice(services: HasDatabase, product_id: int, view: str = "") -> InputFigures | None:
    """Return the choice of the build in use; None without a model, or where its build knew no such choice."""
    with reading(services) as session:
        version = active_version(session, MEMORY_BANK, product_id, view=view)
        return None if version is None else BankFigures.from_json(version.metrics).input_choice
