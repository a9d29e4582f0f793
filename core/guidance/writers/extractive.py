"""Quoting the manual: needs nothing, and serves where every other writer fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.guidance.writers.specification import ChosenModel, WriterSpecification
from core.i18n import N_
from inference.language.extractive import EXTRACTIVE as NAME
from inference.language.extractive import ExtractiveWriter

if TYPE_CHECKING:
    from core.settings import Settings
    from inference.language.writers import Writer


def _open(_settings: Settings, _chosen: ChosenModel) -> Writer:
    return ExtractiveWriter()


EXTRACTIVE = WriterSpecification(
    name=NAME,
    title=N_("Quote the manual"),
    description=N_(
        "The manual's own steps, word for word, sorted and without repetition. Needs no network and no model."
    ),
    open=_open,
    quotes=True,
    facts=((N_("Connection"), N_("not needed")), (N_("Cost"), N_("none"))),
)
