"""The list of API keys: what each may, how long it counts, who used it last, and how it is ended."""

from __future__ import annotations

import streamlit as st

from core.access import ROLE_NAMES
from core.accounts.api_keys import WARN_BEFORE, KeyState
from core.accounts.key_list import KeyView, view_keys
from core.accounts.key_scopes import SCOPES
from core.catalog.names import ProductName
from core.i18n import N_
from pages.components.administration.binding_fields import product_names, say_bindings
from pages.components.administration.keys.key_form import start_revoking
from pages.components.shared.language import _, _n, day, escape, moment
from pages.components.shared.session import person, services

_COLUMNS = (2.2, 2.3, 2.0, 2.5, 1.6)
_LOOKS: dict[KeyState, tuple[str, str, str]] = {
    "valid": (N_("Valid"), ":material/check_circle:", "green"),
    "ends_soon": (N_("Ends soon"), ":material/schedule:", "orange"),
    "expired": (N_("Expired"), ":material/event_busy:", "gray"),
    "revoked": (N_("Revoked"), ":material/block:", "gray"),
}


def show_keys() -> None:
    """Show every key, those that end soon said first."""
    st.caption(_("A program at the line, or in another system, comes with a key of its own and acts in its role."))
    found = view_keys(services(), person())
    if not found:
        with st.container(border=True):
            st.markdown(_("**There are no API keys yet.**"))
            st.caption(_("Make one for each program or station: it can be ended by itself, and shows who did what."))
        return
    ending = [one for one in found if one.state == "ends_soon"]
    if ending:
        st.warning(
            _n(
                "{count} key ends within {days} days: {names}. Make a new one before then, or the program stops.",
                "{count} keys end within {days} days: {names}. Make new ones before then, or the programs stop.",
                len(ending),
                days=WARN_BEFORE.days,
                names=", ".join(escape(one.name) for one in ending),
            ),
            icon=":material/schedule:",
        )
    names = product_names() if any(one.bindings.is_bound for one in found) else {}
    for one in found:
        _show_row(one, names)


def _show_row(one: KeyView, names: dict[int, ProductName]) -> None:
    label, icon, color = _LOOKS[one.state]
    with st.container(border=True, key=f"key_row_{one.id}"):
        name, may, state, use, action = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            st.markdown(f"**{escape(one.name)}**")
            st.caption(f"`gms_{one.prefix}_…`")
        with may, st.container(gap=None):
            st.markdown(_(ROLE_NAMES[one.role]))
            st.caption(_say_scopes(one), help=_explain_scopes(one))
            if bound := say_bindings(one.bindings, names):
                st.caption(f":material/link: {bound}")
        with state, st.container(gap=None):
            st.badge(_(label), icon=icon, color=color)  # type: ignore[arg-type]
            st.caption(_say_end(one))
        with use, st.container(gap=None):
            st.caption(
                _("Used last {time}", time=moment(one.last_used_at)) if one.last_used_at else _("Never used so far")
            )
            made = _("Made {day}", day=day(one.created_at))
            maker = _("Command line") if one.made_by == "Command line" else escape(one.made_by)
            st.caption(f"{made} · {maker}" if maker else made)
        if one.counts:
            action.button(
                _("Revoke"),
                key=f"key_revoke_{one.id}",
                icon=":material/key_off:",
                width="stretch",
                on_click=start_revoking,
                args=(one,),
            )


def _say_scopes(one: KeyView) -> str:
    return ", ".join(one.scopes) if one.scopes else _("everything that the role may")


def _explain_scopes(one: KeyView) -> str | None:
    return "\n".join(f"- `{scope}`: {_(SCOPES[scope])}" for scope in one.scopes if scope in SCOPES) or None


def _say_end(one: KeyView) -> str:
    if one.revoked_at is not None:
        return _("Since {time}", time=moment(one.revoked_at))
    return _("Until {time}", time=moment(one.expires_at)) if one.expires_at else _("Without an end")
