"""Where images were taken, in words, and the question about those to come."""

from __future__ import annotations

import streamlit as st

from core.i18n import N_
from core.images.domains import DOMAIN_NAMES, DOMAINS
from core.images.gallery.filters import NONE_NAMED
from pages.components.shared.labels import label_of
from pages.components.shared.language import _

_NAMES: dict[str, str] = {**DOMAIN_NAMES, "": N_("not said"), NONE_NAMED: N_("not said")}


def name_domain(domain: str) -> str:
    """Return what a domain is called."""
    return label_of(_NAMES, domain)


def ask_domain(*, key: str) -> str:
    """Return where the images to come were taken; empty where the names of folders are to say it."""
    names: dict[str, str] = {"": _("as folders say"), **{domain: name_domain(domain) for domain in DOMAINS}}
    chosen = st.selectbox(
        _("Where taken"),
        list(names),
        key=f"{key}_domain",
        format_func=lambda domain: names[domain],
        help=_(
            "Studio: under the light of a photo station. Line: as parts come past. Field: by a phone or whatever "
            "camera was at hand. Models are measured on each apart."
        ),
    )
    return chosen or ""
