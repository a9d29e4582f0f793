"""First inspection: from a product's name and a ZIP of good images to its inspection, in one place."""

import streamlit as st

from core.access import ENGINEER
from pages.components.overview.first_inspection.building import show_building, show_stopped
from pages.components.overview.first_inspection.form import show_form
from pages.components.overview.first_inspection.head import show_steps
from pages.components.overview.first_inspection.place import BUILDING, READY, STOPPED, find_place
from pages.components.overview.first_inspection.ready import show_ready
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ENGINEER)
st.title(_("First inspection"))
place = find_place()
show_steps(place.stage)
if place.is_lost:
    st.warning(_("The product of this link is not there, or not in use any more."), icon=":material/link_off:")
if place.stage == READY:
    show_ready(place)
elif place.stage == BUILDING:
    show_building(place)
elif place.stage == STOPPED:
    show_stopped(place)
else:
    show_form(place.product)
