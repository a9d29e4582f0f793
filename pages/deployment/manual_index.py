"""Manual index: make the products' manuals findable for guidance, watch the build, roll a version back."""

from core.access import ENGINEER
from core.models.kinds import MANUAL_INDEX
from pages.components.deployment.deployment_view import DeploymentLabels, show_deployment
from pages.components.shared.language import _
from pages.components.shared.session import require

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
