"""The screens of the product: where each is, what it is called, who may open it, in which group it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.access import ADMIN, ENGINEER, WORKER, reaches
from core.i18n import N_
from pages.components.shared.language import _

_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Screen:
    """One screen: `path` relative to Home.py; `title` and `group` are msgids."""

    path: str
    title: str
    group: str
    role: str
    icon: str


INSPECT_PART = "pages/inspection/inspect_part.py"
PRODUCTS = "pages/catalog/products.py"
NORMAL_IMAGES = "pages/images/normal_images.py"
DEFECT_IMAGES = "pages/images/defect_images.py"
IMAGE_MAP = "pages/images/image_map.py"
MEMORY_BANKS = "pages/deployment/memory_banks.py"
SIMILARITY_INDEX = "pages/deployment/similarity_index.py"
MANUALS = "pages/catalog/manuals.py"
MANUAL_INDEX = "pages/deployment/manual_index.py"
PREPROCESSING = "pages/settings/preprocessing.py"
DASHBOARD = "pages/overview/dashboard.py"

_INSPECTION, _OVERVIEW, _ANALYSIS = N_("Inspection"), N_("Overview"), N_("Analysis")
_CATALOG, _IMAGES, _SETTINGS = N_("Products and manuals"), N_("Images"), N_("Settings")
_DEPLOYMENT, _ADMINISTRATION = N_("Deployment"), N_("Administration")

SCREENS: tuple[Screen, ...] = (
    Screen(INSPECT_PART, N_("Inspect a part"), _INSPECTION, WORKER, ":material/center_focus_strong:"),
    Screen(
        "pages/inspection/batch_inspection.py",
        N_("Batch inspection"),
        _INSPECTION,
        WORKER,
        ":material/filter_none:",
    ),
    Screen(
        "pages/inspection/inspection_history.py",
        N_("Inspection history"),
        _INSPECTION,
        WORKER,
        ":material/history:",
    ),
    Screen(DASHBOARD, N_("Dashboard"), _OVERVIEW, WORKER, ":material/dashboard:"),
    Screen("pages/analysis/quality_trends.py", N_("Quality trends"), _ANALYSIS, ENGINEER, ":material/trending_up:"),
    Screen("pages/analysis/model_report.py", N_("Model report"), _ANALYSIS, ENGINEER, ":material/fact_check:"),
    Screen(PRODUCTS, N_("Products"), _CATALOG, ENGINEER, ":material/category:"),
    Screen(MANUALS, N_("Manuals"), _CATALOG, ENGINEER, ":material/menu_book:"),
    Screen("pages/catalog/defect_types.py", N_("Defect types"), _CATALOG, ENGINEER, ":material/label:"),
    Screen(NORMAL_IMAGES, N_("Normal images"), _IMAGES, ENGINEER, ":material/image:"),
    Screen(DEFECT_IMAGES, N_("Defect images"), _IMAGES, ENGINEER, ":material/broken_image:"),
    Screen(IMAGE_MAP, N_("Image map"), _IMAGES, ENGINEER, ":material/scatter_plot:"),
    Screen(PREPROCESSING, N_("Preprocessing"), _SETTINGS, ENGINEER, ":material/tune:"),
    Screen("pages/settings/models.py", N_("Models"), _SETTINGS, ENGINEER, ":material/deployed_code:"),
    Screen(
        SIMILARITY_INDEX,
        N_("Similarity index"),
        _DEPLOYMENT,
        ENGINEER,
        ":material/image_search:",
    ),
    Screen(MEMORY_BANKS, N_("Memory banks"), _DEPLOYMENT, ENGINEER, ":material/memory:"),
    Screen(MANUAL_INDEX, N_("Manual index"), _DEPLOYMENT, ENGINEER, ":material/find_in_page:"),
    Screen("pages/administration/users.py", N_("Users"), _ADMINISTRATION, ADMIN, ":material/group:"),
    Screen("pages/administration/audit_log.py", N_("Audit log"), _ADMINISTRATION, ADMIN, ":material/receipt_long:"),
    Screen(
        "pages/administration/system_status.py", N_("System status"), _ADMINISTRATION, ADMIN, ":material/monitor_heart:"
    ),
)


def existing_screens() -> Iterator[Screen]:
    """Return the screens whose script is there."""
    return (screen for screen in SCREENS if (_ROOT / screen.path).is_file())


def navigation_pages(role: str) -> dict[str, list[st.Page]]:
    """Return the pages by translated group for `st.navigation`.

    Screens above `role` are registered but hidden: their address then shows `require`'s sentence.
    """
    pages: dict[str, list[st.Page]] = {}
    for screen in existing_screens():
        page = st.Page(
            screen.path,
            title=_(screen.title),
            icon=screen.icon,
            default=screen.path == INSPECT_PART,
            visibility="visible" if reaches(role, screen.role) else "hidden",
        )
        pages.setdefault(_(screen.group), []).append(page)
    return pages


def link_to(path: str, label: str, *, icon: str = ":material/arrow_forward:") -> None:
    """Show a link to the screen at `path`, where that screen exists."""
    if (_ROOT / path).is_file():
        st.page_link(path, label=label, icon=icon)
