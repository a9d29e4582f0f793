"""The folders of an upload and what they would become; each can be changed, and what is not certain is asked."""

from __future__ import annotations

import streamlit as st

from core.images.upload_plans.plan import DEFECT, GOOD, LEFT_OUT, PlannedFolder, UploadPlan, Use
from pages.components.images.labels import SPLIT_NAMES
from pages.components.shared.language import _, _n, escape

_TALL = 6
_KEY = "first_use"


def ask_folders(plan: UploadPlan) -> UploadPlan:
    """Return the plan as the person decides; nothing is asked where all files are in one place and certain."""
    if len(plan.folders) < 2 and not plan.undecided:
        return plan
    st.markdown(f"**{_('What the folders hold')}**")
    if plan.undecided:
        left, right = st.columns([3, 1.4], vertical_alignment="center")
        left.markdown(
            ":orange[:material/help:] "
            + _n(
                "The name of {count} folder does not say what it holds. Nothing is guessed: choose it below.",
                "The names of {count} folders do not say what they hold. Nothing is guessed: choose it below.",
                len(plan.undecided),
            )
        )
        if len(plan.undecided) > 1:
            right.button(
                _("All hold good parts"),
                key="first_all_good",
                width="stretch",
                on_click=_choose_all,
                args=([folder.key for folder in plan.undecided], GOOD),
            )
    uses: dict[str, Use] = {}
    with st.container(border=True, height=340 if len(plan.folders) > _TALL else "content", key="first_folders"):
        for folder in plan.folders:
            chosen = _ask_folder(folder)
            if chosen is not None:
                uses[folder.key] = chosen
    return plan.decide(uses)


def _ask_folder(folder: PlannedFolder) -> Use | None:
    name, choice = st.columns([2, 1.4], vertical_alignment="center")
    count = _n("{count} image", "{count} images", len(folder.files))
    use = f" · {_(SPLIT_NAMES[folder.split])}" if folder.split != "train" else ""
    name.markdown(f"**{escape(folder.path or _('Single files'))}**  \n{count}{use}")
    defect = folder.use.defect_name if folder.use is not None and folder.use.kind == DEFECT else folder.suggested_name
    options = [GOOD, *([DEFECT] if defect else []), LEFT_OUT]
    words = {
        GOOD: _("Images of good parts"),
        DEFECT: _("Defect: {name}", name=defect),
        LEFT_OUT: _("Leave out"),
    }
    first = folder.use.kind if folder.use is not None else None
    chosen = choice.selectbox(
        _("What {folder} holds", folder=folder.path or _("Single files")),
        options,
        index=options.index(first) if first in options else None,
        key=f"{_KEY}_{folder.key}",
        format_func=lambda kind: words[kind],
        placeholder=_("Choose"),
        label_visibility="collapsed",
    )
    if chosen is None:
        return None
    return Use(DEFECT, defect) if chosen == DEFECT else Use(GOOD) if chosen == GOOD else Use(LEFT_OUT)


def _choose_all(keys: list[str], kind: str) -> None:
    for key in keys:
        st.session_state[f"{_KEY}_{key}"] = kind
