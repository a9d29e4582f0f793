"""Memory banks: build the anomaly detection of the products, watch it, put a version into use or take it back."""

from core.access import ENGINEER
from core.models.kinds import MEMORY_BANK
from pages.components.deployment.deployment_view import DeploymentLabels, show_deployment
from pages.components.shared.language import _
from pages.components.shared.session import require

require(ENGINEER)
show_deployment(
    DeploymentLabels(
        kind=MEMORY_BANK,
        title=_("Memory banks"),
        explanation=_(
            "A memory bank is what normal parts look like, built from a product's normal training images. "
            "Its two thresholds are calibrated in the same step; defect training images sharpen them. "
            "A few new normal images extend the bank in use; one that is up to date is built whole again."
        ),
        start=_("Build memory banks"),
    )
)
