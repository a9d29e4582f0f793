"""Where an image was taken: under a studio's light, on the line as parts come, or in the field by any camera."""

from __future__ import annotations

from typing import Final

from core.errors import BadInput

STUDIO: Final = "studio"
LINE: Final = "line"
FIELD: Final = "field"
DOMAINS = (STUDIO, LINE, FIELD)


def read_domain(text: str) -> str:
    """Return the domain that a person or a program named; empty for none. Raises BadInput image_domain_unknown."""
    domain = text.strip().lower()
    if domain and domain not in DOMAINS:
        raise BadInput("image_domain_unknown", domain=text.strip()[:40], choices=", ".join(DOMAINS))
    return domain
