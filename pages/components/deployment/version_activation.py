"""Putting a version into use from a screen, and what is said after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.models.kinds import MEMORY_BANK
from core.registry.lineage import regions_stale
from core.registry.versions import activate
from pages.components.shared.language import _
from pages.components.shared.session import person, say_after_rerun, services

if TYPE_CHECKING:
    from storage.tables import ModelVersion


def use_version(
    version: ModelVersion, *, in_spite_of: Collection[str] = (), flips: Mapping[str, int] | None = None
) -> None:
    """Put the version into use; the next run says so. Raises AppError: what was in use stays.

    `in_spite_of` are the reasons against it that the person has seen, `flips` what would change, likewise.
    """
    with st.spinner(_("Checking the version …")):
        activate(services(), person(), version.id, in_spite_of=in_spite_of, flips=flips)
        stale = version.kind == MEMORY_BANK and regions_stale(services(), version.product_id or 0, version.view)
    say_after_rerun(_("Version {number} is in use.", number=version.number))
    if stale:
        say_after_rerun(
            _("The index of defective places was made with another memory bank: build the similarity index again."),
            icon=":material/update:",
        )
