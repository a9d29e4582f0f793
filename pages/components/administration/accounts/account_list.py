"""The list of accounts: found by words, role and state, and each with the way to what can be done with it."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from core.access import ROLE_NAMES, ROLES
from core.accounts.directory import STATE_NAMES, STATES, Account, State, list_accounts
from core.catalog.names import ProductName
from pages.components.administration.accounts.account_dialogs import open_account
from pages.components.administration.binding_fields import product_names, say_bindings
from pages.components.shared.language import _, _n, escape, moment, number
from pages.components.shared.session import person, services

_PAGE_SIZE = 25
_COLUMNS = (2.2, 1.5, 1.9, 3.0, 1.6)
_STATE_LOOKS: dict[State, tuple[str, str]] = {
    "active": (":material/check_circle:", "green"),
    "invited": (":material/mail:", "blue"),
    "waiting": (":material/hourglass_empty:", "orange"),
    "locked": (":material/lock_clock:", "orange"),
    "disabled": (":material/block:", "gray"),
}


def show_accounts() -> None:
    """Show the accounts that fit the filter."""
    everybody = list_accounts(services(), person())
    if not everybody:
        _show_nothing_yet()
        return
    shown = _filter(everybody)
    if not shown:
        st.caption(_("No account fits these filters."))
        return
    names = product_names() if any(account.bindings.is_bound for account in shown) else {}
    for account in _page_of(shown):
        _show_row(account, names)
    if len(shown) > _PAGE_SIZE:
        st.pagination(-(-len(shown) // _PAGE_SIZE), key="users_page")


def _show_nothing_yet() -> None:
    with st.container(border=True):
        st.markdown(_("**There are no accounts yet.**"))
        st.caption(
            _(
                "Begin with an administrator: without one, the first is let in by a code that the server shows once. "
                "Then add engineers and line workers."
            )
        )


def _filter(everybody: list[Account]) -> list[Account]:
    by_role, by_state = Counter(one.role for one in everybody), Counter(one.state for one in everybody)
    roles = {"": _("All roles")} | {one: f"{_(ROLE_NAMES[one])} ({number(by_role[one])})" for one in ROLES}
    states = {"": _("All states")} | {str(one): f"{_(STATE_NAMES[one])} ({number(by_state[one])})" for one in STATES}
    text, role, state = st.columns((2, 1.2, 1.2), vertical_alignment="bottom")
    words = text.text_input(
        _("Search"), key="users_text", placeholder=_("Name or login"), icon=":material/search:", max_chars=190
    )
    wanted_role = role.selectbox(
        _("Role"),
        list(roles),
        key="users_role",
        format_func=roles.__getitem__,
    )
    wanted_state = state.selectbox(
        _("State"),
        list(states),
        key="users_state",
        format_func=states.__getitem__,
    )
    if not words.strip() and not wanted_role and not wanted_state:
        return everybody
    return list_accounts(services(), person(), text=words, role=wanted_role or None, state=wanted_state or None)


def _page_of(shown: list[Account]) -> list[Account]:
    pages = max(1, -(-len(shown) // _PAGE_SIZE))
    page = min(int(st.session_state.get("users_page", 1)), pages)
    st.caption(_n("{count} account", "{count} accounts", len(shown)))
    return shown[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]


def _show_row(account: Account, names: dict[int, ProductName]) -> None:
    with st.container(border=True, key=f"user_row_{account.id}"):
        who, role, state, about, action = st.columns(_COLUMNS, vertical_alignment="center")
        with who, st.container(gap=None):
            st.markdown(f"**{escape(account.display_name)}**")
            st.caption(escape(account.login))
        role.markdown(_(ROLE_NAMES[account.role]))
        with state, st.container(gap=None):
            _show_state(account)
        with about, st.container(gap=None):
            st.caption(_say_last_seen(account))
            if bound := say_bindings(account.bindings, names):
                st.caption(f":material/link: {bound}")
        action.button(
            _("Manage"),
            key=f"user_open_{account.id}",
            icon=":material/manage_accounts:",
            width="stretch",
            on_click=open_account,
            args=(account,),
        )


def _show_state(account: Account) -> None:
    icon, color = _STATE_LOOKS[account.state]
    st.badge(_(STATE_NAMES[account.state]), icon=icon, color=color)  # type: ignore[arg-type]
    until = {"locked": account.locked_until, "invited": account.invited_until}.get(account.state)
    if until is not None:
        st.caption(_("Until {time}", time=moment(until)))


def _say_last_seen(account: Account) -> str:
    if account.last_seen_at is None:
        seen = _("Never signed in")
    else:
        seen = _("Signed in last {time}", time=moment(account.last_seen_at))
    if account.sessions:
        seen += " · " + _n("{count} open session", "{count} open sessions", account.sessions)
    if account.must_change_password and account.has_password:
        seen += " · " + _("must change the password")
    return seen
