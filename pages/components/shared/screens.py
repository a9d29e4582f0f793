"""The screens of the product: where each is, what it is called, who may open it, in which group it stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from core.access import ADMIN, ENGINEER, WORKER, reaches
from core.i18n import N_
from pages.components.shared.language import _

_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Screen:
    """One screen: `path` relative to Home.py; `title` and `group` are msgids.

    One that is not listed in the navigation is reached by its links and its address.
    """

    path: str
    title: str
    group: str
    role: str
    icon: str
    is_listed: bool = True


INSPECT_PART = "pages/inspection/inspect_part.py"
BATCH_INSPECTION = "pages/inspection/batch_inspection.py"
LINE_MODE = "pages/inspection/line_mode.py"
PRODUCTS = "pages/catalog/products.py"
NORMAL_IMAGES = "pages/images/normal_images.py"
DEFECT_IMAGES = "pages/images/defect_images.py"
IMAGE_IMPORT = "pages/images/image_import.py"
IMAGE_MAP = "pages/images/image_map.py"
MEMORY_BANKS = "pages/deployment/memory_banks.py"
SIMILARITY_INDEX = "pages/deployment/similarity_index.py"
MANUALS = "pages/catalog/manuals.py"
MANUAL_INDEX = "pages/deployment/manual_index.py"
PREPROCESSING = "pages/settings/preprocessing.py"
MODELS = "pages/settings/models.py"
HISTORY = "pages/inspection/inspection_history.py"
TRACEABILITY = "pages/inspection/traceability.py"
DASHBOARD = "pages/overview/dashboard.py"
FIRST_INSPECTION = "pages/overview/first_inspection.py"
QUALITY_TRENDS = "pages/analysis/quality_trends.py"
COMBINE_VIEWS = "pages/analysis/combine_views.py"
MODEL_REPORT = "pages/analysis/model_report.py"
REPORTS = "pages/analysis/reports.py"
GAUGE_STUDY = "pages/analysis/gauge_study.py"
GAUGE_RATING = "pages/inspection/gauge_rating.py"
DATASET_VERSIONS = "pages/training/dataset_versions.py"
TRAIN_MODEL = "pages/training/train_model.py"
EXPERIMENTS = "pages/training/experiments.py"
COMPARE_METHODS = "pages/training/compare_methods.py"
ASSISTANT = "pages/assistant/assistant.py"
SYSTEM_STATUS = "pages/administration/system_status.py"
USERS = "pages/administration/users.py"
AUDIT_LOG = "pages/administration/audit_log.py"
BACKUPS = "pages/administration/backups.py"
PROFILE = "pages/administration/my_account.py"

_INSPECTION, _OVERVIEW, _ANALYSIS = N_("Inspection"), N_("Overview"), N_("Analysis")
_CATALOG, _IMAGES, _SETTINGS = N_("Products and manuals"), N_("Images"), N_("Settings")
_DEPLOYMENT, _TRAINING, _ADMINISTRATION = N_("Deployment"), N_("Training"), N_("Administration")
_ASSISTANT = N_("Assistant")
# What each role needs first, from the top; a group that is not named follows in the order of `SCREENS`.
_FIRST_GROUPS: dict[str, tuple[str, ...]] = {
    WORKER: (_INSPECTION, _OVERVIEW),
    ENGINEER: (_OVERVIEW, _INSPECTION, _ANALYSIS, _IMAGES, _DEPLOYMENT),
    ADMIN: (_ADMINISTRATION, _OVERVIEW, _INSPECTION, _ANALYSIS),
}
# Which groups are unfolded until the person folds them.
_OPEN_GROUPS: dict[str, tuple[str, ...]] = {
    WORKER: (_INSPECTION, _OVERVIEW),
    ENGINEER: (_OVERVIEW, _INSPECTION, _ANALYSIS),
    ADMIN: (_ADMINISTRATION, _OVERVIEW, _INSPECTION),
}

SCREENS: tuple[Screen, ...] = (
    Screen(INSPECT_PART, N_("Inspect a part"), _INSPECTION, WORKER, ":material/center_focus_strong:"),
    Screen(LINE_MODE, N_("Line mode"), _INSPECTION, WORKER, ":material/conveyor_belt:"),
    Screen(
        BATCH_INSPECTION,
        N_("Batch inspection"),
        _INSPECTION,
        WORKER,
        ":material/filter_none:",
    ),
    Screen(
        HISTORY,
        N_("Inspection history"),
        _INSPECTION,
        WORKER,
        ":material/history:",
    ),
    Screen(TRACEABILITY, N_("Traceability"), _INSPECTION, WORKER, ":material/fingerprint:", is_listed=False),
    Screen(GAUGE_RATING, N_("Rate parts"), _INSPECTION, WORKER, ":material/straighten:", is_listed=False),
    Screen(
        FIRST_INSPECTION,
        N_("First inspection"),
        _OVERVIEW,
        ENGINEER,
        ":material/rocket_launch:",
        is_listed=False,
    ),
    Screen(DASHBOARD, N_("Dashboard"), _OVERVIEW, WORKER, ":material/dashboard:"),
    Screen(QUALITY_TRENDS, N_("Quality trends"), _ANALYSIS, ENGINEER, ":material/trending_up:"),
    Screen(MODEL_REPORT, N_("Model report"), _ANALYSIS, ENGINEER, ":material/fact_check:"),
    Screen(COMBINE_VIEWS, N_("Combine views"), _ANALYSIS, ENGINEER, ":material/join_inner:"),
    Screen(REPORTS, N_("Reports"), _ANALYSIS, ENGINEER, ":material/summarize:"),
    Screen(GAUGE_STUDY, N_("Gauge study"), _ANALYSIS, ENGINEER, ":material/straighten:"),
    Screen(PRODUCTS, N_("Products"), _CATALOG, ENGINEER, ":material/category:"),
    Screen(MANUALS, N_("Manuals"), _CATALOG, ENGINEER, ":material/menu_book:"),
    Screen("pages/catalog/defect_types.py", N_("Defect types"), _CATALOG, ENGINEER, ":material/label:"),
    Screen(NORMAL_IMAGES, N_("Normal images"), _IMAGES, ENGINEER, ":material/image:"),
    Screen(DEFECT_IMAGES, N_("Defect images"), _IMAGES, ENGINEER, ":material/broken_image:"),
    Screen(IMAGE_IMPORT, N_("Import images"), _IMAGES, ENGINEER, ":material/drive_folder_upload:"),
    Screen(IMAGE_MAP, N_("Image map"), _IMAGES, ENGINEER, ":material/scatter_plot:"),
    Screen(PREPROCESSING, N_("Preprocessing"), _SETTINGS, ENGINEER, ":material/tune:"),
    Screen(MODELS, N_("Models"), _SETTINGS, ENGINEER, ":material/deployed_code:"),
    Screen(
        SIMILARITY_INDEX,
        N_("Similarity index"),
        _DEPLOYMENT,
        ENGINEER,
        ":material/image_search:",
    ),
    Screen(MEMORY_BANKS, N_("Memory banks"), _DEPLOYMENT, ENGINEER, ":material/memory:"),
    Screen(MANUAL_INDEX, N_("Manual index"), _DEPLOYMENT, ENGINEER, ":material/find_in_page:"),
    Screen(DATASET_VERSIONS, N_("Dataset versions"), _TRAINING, ENGINEER, ":material/dataset:"),
    Screen(TRAIN_MODEL, N_("Train a model"), _TRAINING, ENGINEER, ":material/model_training:"),
    Screen(EXPERIMENTS, N_("Experiments"), _TRAINING, ENGINEER, ":material/science:"),
    Screen(COMPARE_METHODS, N_("Compare methods"), _TRAINING, ENGINEER, ":material/compare:"),
    Screen(ASSISTANT, N_("Assistant"), _ASSISTANT, WORKER, ":material/forum:"),
    Screen(USERS, N_("Users"), _ADMINISTRATION, ADMIN, ":material/group:"),
    Screen(AUDIT_LOG, N_("Audit log"), _ADMINISTRATION, ADMIN, ":material/receipt_long:"),
    Screen(BACKUPS, N_("Backups"), _ADMINISTRATION, ADMIN, ":material/backup:"),
    Screen(PROFILE, N_("My account"), _ADMINISTRATION, WORKER, ":material/account_circle:", is_listed=False),
    Screen(
        SYSTEM_STATUS,
        N_("System status"),
        _ADMINISTRATION,
        ENGINEER,
        ":material/monitor_heart:",
    ),
)


@cache
def existing_screens() -> tuple[Screen, ...]:
    """Return the screens whose script is there."""
    return tuple(screen for screen in SCREENS if (_ROOT / screen.path).is_file())


def listed_screens(role: str, *, also: Collection[str] = ()) -> list[Screen]:
    """Return the screens in the navigation of `role`, what it needs first at the top; `also` are listed by exception.

    The screens of one group stand together.
    """
    found = [
        screen
        for screen in existing_screens()
        if (screen.is_listed or screen.path in also) and reaches(role, screen.role)
    ]
    groups = [*_FIRST_GROUPS[role], *(screen.group for screen in found)]
    return sorted(found, key=lambda screen: groups.index(screen.group))


def groups_open_at_first(role: str) -> frozenset[str]:
    """Return the groups (msgids) that are unfolded in the navigation of `role` until the person folds them."""
    return frozenset(_OPEN_GROUPS[role])


def navigation_pages(role: str, *, also: Collection[str] = ()) -> dict[str, list[st.Page]]:
    """Return the pages by translated group for `st.navigation`.

    Screens above `role` are registered but hidden: their address then shows `require`'s sentence.
    """
    listed = listed_screens(role, also=also)
    pages: dict[str, list[st.Page]] = {}
    for screen in [*listed, *(screen for screen in existing_screens() if screen not in listed)]:
        page = st.Page(
            screen.path,
            title=_(screen.title),
            icon=screen.icon,
            default=screen.path == INSPECT_PART,
            visibility="visible" if screen in listed else "hidden",
        )
        pages.setdefault(_(screen.group), []).append(page)
    return pages


def has_screen(path: str) -> bool:
    """Return whether the script of the screen is there."""
    return (_ROOT / path).is_file()


def address_of(path: str) -> str:
    """Return the path in the browser's address that opens the screen."""
    return "/" if path == INSPECT_PART else f"/{Path(path).stem}"


def find_screen(address: str) -> Screen | None:
    """Return the screen that the path in a browser's address names, None for an unknown one."""
    name = address.removeprefix("/").removesuffix("/")
    return next(
        (found for found in existing_screens() if name == Path(found.path).stem or address == address_of(found.path)),
        None,
    )


def link_to(
    path: str,
    label: str,
    *,
    icon: str = ":material/arrow_forward:",
    query: Mapping[str, str] | None = None,
    help_text: str | None = None,
) -> None:
    """Show a link to the screen at `path`, where that screen exists; `query` are the words of its address."""
    if has_screen(path):
        st.page_link(path, label=label, icon=icon or None, query_params=dict(query) if query else None, help=help_text)
