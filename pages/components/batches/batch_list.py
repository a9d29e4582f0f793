"""The batches that there are, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.batches.overview import list_batches
from core.inspections.terms import VERDICT_NAMES, VERDICTS
from pages.components.batches.batch_head import describe_details, describe_state
from pages.components.shared.language import _, escape, number, product_name
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.batches.overview import BatchView

_STEP = 8
_SHOWN = "batches_shown"


def show_batch_list() -> int | None:
    """Draw the newest batches; return the one that is to be opened."""
    wanted = st.session_state.get(_SHOWN, _STEP)
    found = list_batches(services(), limit=wanted + 1)
    st.subheader(_("Batches so far"))
    if not found:
        st.caption(_("There is no batch yet. What you start here is listed with its results."))
        return None
    opened = None
    for batch in found[:wanted]:
        if _show_one(batch):
            opened = batch.job.id
    if len(found) > wanted and st.button(_("Show more"), key="batches_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = wanted + _STEP
        st.rerun()
    return opened


def _show_one(batch: BatchView) -> bool:
    with st.container(border=True, key=f"batch_{batch.job.id}"):
        words, button = st.columns([5, 1], vertical_alignment="center")
        counts = [f"{_(VERDICT_NAMES[verdict])} {number(batch.verdicts[verdict])}" for verdict in VERDICTS]
        if batch.n_failed:
            counts.append(f"{_('Refused')} {number(batch.n_failed)}")
        place = f"{number(batch.n_done + batch.n_failed)} / {number(batch.n_files)}"
        words.markdown(
            f"{describe_state(batch)} · {escape(product_name(batch.product))} · {place} · {' · '.join(counts)}"
        )
        words.caption(f"{_('Batch {number}', number=batch.job.id)} · {describe_details(batch)}")
        return button.button(_("See the results"), key=f"batch_open_{batch.job.id}", width="stretch")
