"""Manual index: make the products' manuals findable for guidance, try a question, roll a version back."""

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.models.kinds import MANUAL_INDEX
from pages.components.deployment.deployment_view import DeploymentLabels, show_deployment
from pages.components.deployment.question_box import show_question_box
from pages.components.shared.language import _
from pages.components.shared.session import require, services

require(ENGINEER)
show_deployment(
    DeploymentLabels(
        kind=MANUAL_INDEX,
        title=_("Manual index"),
        explanation=_(
            "One index for each product, of all its manuals: their passages, findable by words and by meaning in "
            "Korean and English. Guidance quotes the passages that fit the defect, with their page."
        ),
        start=_("Build manual indexes"),
        without_products=_("There is no product yet. Register one and add its manuals first."),
        aim=_("Guidance goes on with the version in use until the new one is ready."),
    )
)
products = [summary.product for summary in list_products(services()) if summary.n_manual]
if products:
    st.divider()
    show_question_box(products)
