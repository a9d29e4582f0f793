"""Similarity index: make the products' images findable by what they look like, normal and defect images apart."""

from core.access import ENGINEER
from core.models.kinds import SIMILARITY_INDEX
from pages.components.deployment.deployment_view import DeploymentLabels, show_deployment
from pages.components.images.text_search import show_text_search
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ENGINEER)
show_deployment(
    DeploymentLabels(
        kind=SIMILARITY_INDEX,
        title=_("Similarity index"),
        explanation=_(
            "Two indexes for each product, one of its normal and one of its defect training images (image embeddings). "
            "An inspection finds look-alikes in them and suggests the defect type."
        ),
        start=_("Build similarity indexes"),
    )
)
show_text_search()
