"""The versions of a product: the candidate beside the one in use, every other, the way back, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.models.figures import read_figures
from core.models.judgments import reasons_of
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK
from core.registry.comparison import compare_versions
from core.registry.refusals import find_refusals
from core.registry.retention import is_kept
from core.registry.versions import list_versions, part_of
from pages.components.deployment.defect_head import show_learning
from pages.components.deployment.judgment_view import show_reasons
from pages.components.deployment.metrics import FIGURES_HELP, list_figures
from pages.components.deployment.sources import describe_set_apart, describe_sources, list_set_apart
from pages.components.deployment.version_activation import use_version
from pages.components.deployment.version_changes import open_changes, show_figures_beside, show_open_changes
from pages.components.deployment.what_would_change import offer_replay, show_open_replay
from pages.components.shared.labels import label_of, name_model
from pages.components.shared.language import _, byte_size, escape, moment, number
from pages.components.shared.pickers import pick_product, take_asked_product
from pages.components.shared.screens import MODEL_REPORT, link_to
from pages.components.shared.session import services, show_error
from pages.components.shared.view_choice import pick_view, title_view

if TYPE_CHECKING:
    from core.registry.refusals import Refusal
    from storage.tables import ModelVersion, Product

VERSION_STATES: dict[str, str] = {"active": N_("In use"), "candidate": N_("Candidate"), "retired": N_("Kept")}
_PARTS: dict[str, str] = {
    "normal": N_("normal images"),
    "defect": N_("defect images"),
    "region": N_("defective places"),
}
_FIRST_SHOWN = 8


def show_versions(kind: str, products: Sequence[Product]) -> None:
    """Show the section of a deployment screen about what was built."""
    st.subheader(_("Versions"), help=_(FIGURES_HELP))
    take_asked_product(f"{kind}_versions")
    versions = _choose_versions(kind, products)
    if not versions:
        st.caption(_("Nothing was built for this product yet."))
        return
    by_scope: dict[str, list[ModelVersion]] = {}
    for version in versions:
        by_scope.setdefault(version.scope, []).append(version)
    refusals = find_refusals(services(), versions)
    for ours in by_scope.values():
        if ours[0].id not in refusals:
            _show_candidate(ours)
    everything = st.session_state.get(f"{kind}_all_versions", False)
    for version in versions if everything else versions[:_FIRST_SHOWN]:
        _show_version(version, by_scope[version.scope], refusals.get(version.id))
    if len(versions) > _FIRST_SHOWN:
        st.toggle(_("Show all versions ({count})", count=len(versions)), key=f"{kind}_all_versions")
    show_open_changes()
    if kind == MEMORY_BANK:
        show_open_replay(versions)


def _choose_versions(kind: str, products: Sequence[Product]) -> list[ModelVersion]:
    """Ask for the product, and for the view where it has any; return the versions, the newest first."""
    boxes = st.container(horizontal=True, vertical_alignment="bottom")
    with boxes:
        product = pick_product(products, key=f"{kind}_versions")
    if product is None:
        return []
    versions = list_versions(services(), kind, product.id)
    if kind == MANUAL_INDEX:
        return versions
    with boxes:
        view = pick_view(product.id, key=f"{kind}_versions", also=sorted({version.view for version in versions}))
    return versions if view is None else [version for version in versions if version.view == view]


def _in_use(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    return next((version for version in versions if version.active_key is not None), None)


def _show_candidate(versions: Sequence[ModelVersion]) -> None:
    """Show why the newest candidate waits for a person, where one does, and its figures beside those in use."""
    active, newest = _in_use(versions), versions[0]
    if newest.state != "candidate" or newest.kind != MEMORY_BANK or not is_kept(newest):
        return
    changes = None
    if active is not None:
        try:
            changes = compare_versions(services(), newest.id, active.id)
        except AppError as error:
            show_error(error)
            return
    with st.container(border=True, key=f"candidate_{newest.id}"):
        if active is None:
            words = _("**Version {candidate} waits to be put into use; none is in use yet**", candidate=newest.number)
        else:
            words = _(
                "**Version {candidate} waits beside version {active}, which is in use**",
                candidate=newest.number,
                active=active.number,
            )
        st.markdown(f":orange[:material/pause_circle:] {words}")
        show_reasons(newest)
        offer_replay(newest, key="candidate_replay")
        st.caption(_("To put it into use all the same: *Put into use* at the version below."))
        if changes is not None:
            show_figures_beside(changes)


def _show_version(version: ModelVersion, versions: Sequence[ModelVersion], refusal: Refusal | None) -> None:
    part = part_of(version)
    title = _("Version {number}", number=version.number) + (f" · {label_of(_PARTS, part)}" if part in _PARTS else "")
    title += escape(title_view(version.product_id or 0, version.view))
    figures = list_figures(read_figures(version.kind, version.metrics))
    told = "  ·  ".join(f"{escape(name)} **{value}**" for name, value in figures)
    in_use = _in_use(versions)
    state = label_of(VERSION_STATES, version.state) if is_kept(version) else _("No longer kept")
    # What is in use has its badge at the right.
    head = f"**{title}**" + (f" · {state}" if version.active_key is None else "")
    with st.container(border=True, key=f"version_{version.id}"):
        about, action = st.columns([3.2, 1.5], vertical_alignment="center")
        with about:
            st.markdown(head + (f"  \n{told}" if told else ""))
            st.caption(
                f"{moment(version.created_at)} · {describe_sources(version)}"
                f" · {byte_size(version.byte_size)} · {escape(name_model(version.model_name))}",
            )
            if apart := list_set_apart(version):
                st.caption(describe_set_apart(apart))
            if refusal is not None:
                st.caption(":orange[:material/block:] " + _describe_refusal(refusal))
        with action, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
            if version.kind == MEMORY_BANK:
                link_to(MODEL_REPORT, _("Model report"), query={"version": str(version.id)})
            _show_comparison(version, versions)
            if version.kind == MEMORY_BANK and is_kept(version):
                offer_replay(version)
            if version.active_key is not None:
                st.badge(_("In use"), icon=":material/check_circle:", color="green")
            elif is_kept(version):
                _show_activate(version, newer=in_use is None or version.number > in_use.number)
        show_learning(version)


def _describe_refusal(refusal: Refusal) -> str:
    return _(
        "refused by {name}, {when}: {reason}",
        name=escape(_(refusal.refused_by)),
        when=moment(refusal.refused_at),
        reason=escape(refusal.reason),
    )


def _show_comparison(version: ModelVersion, versions: Sequence[ModelVersion]) -> None:
    """Show a menu of the versions to compare this one with; the one in use, or the one before, comes first."""
    others = [found for found in versions if found.id != version.id]
    if not others:
        return
    active = _in_use(versions)
    older = [found for found in others if found.number < version.number]
    first = active if active is not None and active.id != version.id else (older[0] if older else others[-1])
    turn = int(st.session_state.get(_turn_key(version), 0))
    with st.popover(_("What changed"), icon=":material/difference:", key=f"compare_menu_{version.id}_{turn}"):
        ordered = [first, *(found for found in others if found.id != first.id)][:12]
        numbers = {found.id: found for found in ordered}
        chosen = st.selectbox(
            _("Compare with"),
            list(numbers),
            key=f"compare_with_{version.id}",
            format_func=lambda found: (
                _("Version {number}", number=numbers[found].number)
                + (f" · {_('In use')}" if numbers[found].active_key is not None else "")
            ),
        )
        st.button(
            _("Show"),
            key=f"compare_{version.id}",
            type="primary",
            on_click=_leave_menu,
            args=(version, numbers[chosen]),
        )


def _turn_key(version: ModelVersion) -> str:
    return f"compare_turn_{version.id}"


def _leave_menu(version: ModelVersion, other: ModelVersion) -> None:
    """Open the dialog. A new menu is a closed one; the old would stay in front of the dialog."""
    st.session_state[_turn_key(version)] = int(st.session_state.get(_turn_key(version), 0)) + 1
    open_changes(version, other)


def _show_activate(version: ModelVersion, *, newer: bool) -> None:
    label = _("Put into use") if newer or version.state == "candidate" else _("Roll back to this")
    with st.popover(label, key=f"activate_menu_{version.id}"):
        st.markdown(
            _(
                "Every inspection from now on uses version {number}. The present one is kept.",
                number=number(version.number),
            )
        )
        reasons = reasons_of(version.metrics) if version.state == "candidate" else ()
        if reasons:
            st.warning(_("Against this version:"), icon=":material/warning:")
            show_reasons(version, with_pictures=False)
        agree = _("Use it all the same") if reasons else _("Yes, use it")
        if st.button(agree, key=f"activate_{version.id}", type="primary"):
            try:
                use_version(version, in_spite_of=[found.code for found in reasons])
            except AppError as error:
                show_error(error)
                return
            st.rerun()
