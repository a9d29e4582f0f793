"""Where an image was taken: under a studio's light, on the line as parts come, or in the field by any camera."""

from __future__ import annotations

from typing import Final, Literal

from core.errors import BadInput
from core.i18n import N_

STUDIO: Final = "studio"
LINE: Final = "line"
FIELD: Final = "field"
Domain = Literal["studio", "line", "field"]
DOMAINS: tuple[Domain, ...] = (STUDIO, LINE, FIELD)
DOMAIN_NAMES: dict[str, str] = {STUDIO: N_("Studio"), LINE: N_("Line"), FIELD: N_("Phone or field")}


def read_domain(text: str) -> str:
    """Return the domain that a person or a program named; empty for none. Raises BadInput image_domain_unknown."""
    domain = text.strip().lower()
    if domain and domain not in DOMAINS:
        raise BadInput("image_domain_unknown", domain=text.strip()[:40], choices=", ".join(DOMAINS))
    return domain
