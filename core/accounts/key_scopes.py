"""What an API key is for: a few scopes with clear words. A key without any may everything that its role may."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import BadInput
from core.i18n import N_

INSPECT = "inspect"
READ = "read"
DATA = "data"
MODELS = "models"
REPORTS = "reports"
# In the order in which they are shown.
SCOPES: dict[str, str] = {
    INSPECT: N_("Inspect parts, and see the results of its own inspections"),
    READ: N_("Look things up: inspections, figures, products, models; nothing is changed"),
    DATA: N_("Decide on inspections, and change products, images, manuals, preprocessing"),
    MODELS: N_("Deploy, train, compare, set thresholds and how views are combined"),
    REPORTS: N_("Fetch reports and figures"),
}


def check_scopes(scopes: Collection[str]) -> list[str]:
    """Return the scopes in the order in which they are shown. Raises BadInput api_scope_unknown."""
    unknown = next((scope for scope in scopes if scope not in SCOPES), None)
    if unknown is not None:
        raise BadInput("api_scope_unknown", scope=unknown[:40], choices=", ".join(SCOPES))
    return [scope for scope in SCOPES if scope in scopes]
