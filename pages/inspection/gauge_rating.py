"""Rating the parts of a gauge study: blind, one after the other, with one key each."""

from __future__ import annotations

import streamlit as st

from core.access import WORKER
from pages.components.analysis.gauge.address import read_number
from pages.components.analysis.gauge.rating import show_rating, show_tasks
from pages.components.analysis.gauge.ratings_step import APPRAISER
from pages.components.shared.session import require

require(WORKER)
asked = st.query_params.get(APPRAISER)
if asked is None:
    show_tasks()
else:
    show_rating(read_number(asked))
