"""Inspect a part: choose the product, give one image, see the verdict and why."""

from core.roles import WORKER
from pages.components.session import require

require(WORKER)
