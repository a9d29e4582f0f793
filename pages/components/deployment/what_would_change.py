"""What would change, as a dialog: a version or other thresholds replayed, the flips as pictures, and the decision."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.errors import AppError
from core.models.judgments import reasons_of
from core.registry.refusals import refuse_version
from core.registry.thresholds import MANUAL, find_threshold, save_thresholds
from core.replay.records import Judge, Replay
from core.replay.replaying import replay_thresholds, replay_version
from pages.components.deployment.flip_gallery import OPEN_IMAGE, follow_opened, show_flips, show_replay
from pages.components.deployment.judgment_view import show_reasons
from pages.components.deployment.version_activation import use_version
from pages.components.images.details import show_details
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, number
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import ModelVersion

_DIALOG = "what_would_change"
_KEPT = "replay_shown"
_REDRAW_S = 0.15


def offer_replay(version: ModelVersion, *, key: str = "replay") -> None:
    """Show the button of a version that is not in use, or of other thresholds for the one that is."""
    in_use = version.active_key is not None
    st.button(
        _("Other thresholds") if in_use else _("What would change"),
        key=f"{key}_{version.id}",
        icon=":material/tune:" if in_use else ":material/compare:",
        help=_("Try them on recent inspections and labelled images, before anything changes")
        if in_use
        else _("Which parts would get another verdict: recent inspections and labelled images, judged once more"),
        on_click=_start,
        args=(version.id, not in_use),
    )


def _start(version_id: int, go: bool) -> None:
    open_dialog(_DIALOG, version_id=version_id, go=go)


def open_replay(version_id: int, pair: tuple[float, float], method: str) -> None:
    """Open the dialog on other thresholds of a version and replay them, from a callback; `method` is how they came."""
    for name in ("review", "reject"):
        st.session_state.pop(f"try_{name}_{version_id}", None)
    open_dialog(_DIALOG, version_id=version_id, go=True, pair=pair, method=method)


def show_open_replay(versions: Sequence[ModelVersion]) -> None:
    """Show the dialog for one of these versions, or the image that was opened from it, where one is open."""
    follow_opened()
    if dialog := opened(_DIALOG):
        wanted = dialog.values["version_id"]
        version = next((found for found in versions if found.id == wanted), None)
        if version is None:
            close_dialog()
            return
        title = _("Other thresholds") if _is_of_thresholds(dialog, version) else _("What would change")
        active = next((found for found in versions if found.active_key is not None), None)
        draw_dialog(
            f"{title} · {_('Version {number}', number=version.number)}",
            partial(_show, version=version, active=active),
            dialog,
            width="large",
        )
    elif (dialog := opened(OPEN_IMAGE)) and versions:
        types = list_defect_types(services(), versions[0].product_id or 0, include_inactive=True)
        draw_dialog(_("Image"), lambda open_one: show_details(open_one, types), dialog, width="large")


def _show(dialog: OpenDialog, *, version: ModelVersion, active: ModelVersion | None) -> None:
    if opened(_DIALOG) is not dialog:
        # A picture was opened: what is drawn next is decided by the whole page.
        st.rerun()
    if _is_of_thresholds(dialog, version):
        _show_thresholds(dialog, version, active)
    else:
        _show_version(dialog, version, active)


def _is_of_thresholds(dialog: OpenDialog, version: ModelVersion) -> bool:
    """Return whether other thresholds are tried, and not a version with its own."""
    return version.active_key is not None or "pair" in dialog.values


def _show_version(dialog: OpenDialog, version: ModelVersion, active: ModelVersion | None) -> None:
    replay: Replay | None = None
    try:
        after = _as_judge(version)
        before = _as_judge(active) if active is not None else None
        replay = _find_kept(before, after, other_thresholds=False)
        if _is_wanted(dialog) and replay is None:
            replay = _run(partial(replay_version, services(), person(), version.id))
    except AppError as error:
        show_error(error)
    if replay is None:
        _offer_start(dialog, _("Compare"))
        return
    _show_found(dialog, replay)
    _decide_on_version(version, replay)


def _show_thresholds(dialog: OpenDialog, version: ModelVersion, active: ModelVersion | None) -> None:
    replay: Replay | None = None
    seen_id = 0
    try:
        in_force = find_threshold(services(), version.id)
        seen_id = in_force.id
        begun = dialog.values.get("pair", (in_force.review_at, in_force.reject_at))
        with st.form(f"thresholds_{version.id}", border=False):
            first, second, third = st.columns([1, 1, 1], vertical_alignment="bottom")
            review_at = first.number_input(
                _("Review from"), value=begun[0], min_value=0.0, format="%.4g", key=f"try_review_{version.id}"
            )
            reject_at = second.number_input(
                _("NG from"), value=begun[1], min_value=0.0, format="%.4g", key=f"try_reject_{version.id}"
            )
            asked = third.form_submit_button(
                _("What would change"), icon=":material/compare:", type="primary", width="stretch"
            )
        st.caption(_("A part scores the higher the more it differs. Nothing changes until you save."))
        before = _as_judge(active) if active is not None else None
        after = Judge(version.id, version.number, float(review_at), float(reject_at))
        replay = _find_kept(before, after, other_thresholds=True)
        if (asked or _is_wanted(dialog)) and replay is None:
            replay = _run(
                partial(replay_thresholds, services(), person(), version.id, after.review_at, after.reject_at)
            )
    except AppError as error:
        show_error(error)
    if replay is None:
        return
    _show_found(dialog, replay)
    is_as_begun = (replay.after.review_at, replay.after.reject_at) == begun
    _decide_on_thresholds(version, replay, seen_id, dialog.values.get("method", MANUAL) if is_as_begun else MANUAL)


def _as_judge(version: ModelVersion) -> Judge:
    limits = find_threshold(services(), version.id)
    return Judge(version.id, version.number, limits.review_at, limits.reject_at)


def _find_kept(before: Judge | None, after: Judge, *, other_thresholds: bool) -> Replay | None:
    """Return the replay that this session has made, where it compares just these."""
    kept = st.session_state.get(_KEPT)
    if not isinstance(kept, Replay) or kept.other_thresholds != other_thresholds:
        return None
    return kept if (kept.before, kept.after) == (before, after) else None


def _is_wanted(dialog: OpenDialog) -> bool:
    """Return once whether the replay is to start: one that was stopped does not start again by itself."""
    return bool(dialog.values.pop("go", False))


def _offer_start(dialog: OpenDialog, label: str) -> None:
    st.button(label, key="replay_start", icon=":material/compare:", on_click=_want, args=(dialog,))


def _want(dialog: OpenDialog) -> None:
    st.session_state.pop(_KEPT, None)
    dialog.values["go"] = True


def _run(start: Callable[..., Replay]) -> Replay:
    """Replay with a progress bar; raises AppError.

    Closing the dialog runs the page anew, which ends this run at the next step of the bar. A button inside would not:
    what is clicked in a dialog waits until its run is over.
    """
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, text=_("Opening the models …"))
        st.caption(_("Closing this window stops it; nothing is changed by it."))
    shown_at = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if done < total and now - shown_at < _REDRAW_S:
            return
        shown_at = now
        words = _("Judging once more: {done} of {total}", done=number(done), total=number(total))
        bar.progress(done / total if total else 1.0, text=words)

    try:
        replay = start(progress=show)
    finally:
        place.empty()
    st.session_state[_KEPT] = replay
    return replay


def _show_found(dialog: OpenDialog, replay: Replay) -> None:
    show_replay(replay)
    show_flips(replay, key=f"flips_{replay.after.version_id}")
    _offer_start(dialog, _("Compare again"))


def _decide_on_version(version: ModelVersion, replay: Replay) -> None:
    st.divider()
    is_candidate = version.state == "candidate"
    reasons = reasons_of(version.metrics) if is_candidate else ()
    if reasons:
        st.warning(_("Against this version:"), icon=":material/warning:")
        show_reasons(version, with_pictures=False)
    reason = ""
    if is_candidate:
        reason = st.text_input(_("Reason"), key=f"refusal_{version.id}", placeholder=_("needed to refuse"))
    use = _("Put into use") if is_candidate else _("Roll back to this")
    with st.container(horizontal=True, horizontal_alignment="right"):
        refused = is_candidate and st.button(_("Refuse"), key=f"refuse_{version.id}", icon=":material/block:")
        used = st.button(
            _("Use it all the same") if reasons else use,
            key=f"use_{version.id}",
            type="primary",
            icon=":material/check:",
        )
    try:
        if used:
            use_version(version, in_spite_of=[found.code for found in reasons], flips=replay.count_flips())
        elif refused:
            refuse_version(services(), person(), version.id, reason=reason, flips=replay.count_flips())
            say_after_rerun(_("Version {number} is refused.", number=version.number), icon=":material/block:")
        else:
            return
    except AppError as error:
        show_error(error)
        return
    _leave()


def _decide_on_thresholds(version: ModelVersion, replay: Replay, seen_id: int, method: str) -> None:
    st.divider()
    reason = st.text_input(_("Reason"), key=f"threshold_reason_{version.id}", placeholder=_("needed to save"))
    with st.container(horizontal=True, horizontal_alignment="right"):
        saved = st.button(
            _("Save these thresholds"), key=f"save_thresholds_{version.id}", type="primary", icon=":material/save:"
        )
    if not saved:
        return
    try:
        save_thresholds(
            services(),
            person(),
            version.id,
            replay.after.review_at,
            replay.after.reject_at,
            reason=reason,
            seen_id=seen_id,
            flips=replay.count_flips(),
            method=method,
        )
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("The thresholds are saved. They hold from the next inspection on."))
    _leave()


def _leave() -> None:
    st.session_state.pop(_KEPT, None)
    close_dialog()
    st.rerun()
