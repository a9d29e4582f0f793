"""Users: who may come in and as what, and the API keys that programs come with."""

from __future__ import annotations

import streamlit as st

from core.access import ADMIN
from core.i18n import N_
from pages.components.administration.accounts.account_dialogs import show_open_account_dialog
from pages.components.administration.accounts.account_form import start_adding
from pages.components.administration.accounts.account_list import show_accounts
from pages.components.administration.keys.key_form import show_open_key_dialog, start_making
from pages.components.administration.keys.key_list import show_keys
from pages.components.shared.language import _
from pages.components.shared.session import require, services

require(ADMIN)

_PEOPLE, _KEYS = "people", "keys"
_PARTS: dict[str, str] = {_PEOPLE: N_("Accounts"), _KEYS: N_("API keys")}


def show_screen() -> None:
    """Show the people or the keys, and the dialog that is open."""
    names = {name: _(title) for name, title in _PARTS.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(_("Users"), width="stretch")
        part = st.segmented_control(
            _("What is shown"),
            list(_PARTS),
            key="users_part",
            default=_PEOPLE,
            required=True,
            format_func=names.__getitem__,
            label_visibility="collapsed",
        )
        if part == _KEYS:
            st.button(_("New API key"), key="key_new", type="primary", icon=":material/add:", on_click=start_making)
        else:
            st.button(_("Add a person"), key="user_new", type="primary", icon=":material/add:", on_click=start_adding)
    if part == _KEYS:
        show_keys()
        show_open_key_dialog()
    else:
        if services().settings.auth == "open":
            show_open_mode()
        show_accounts()
        show_open_account_dialog()


def show_open_mode() -> None:
    """Say that nobody signs in, and how accounts are turned on; they can be prepared before."""
    st.info(
        _(
            "Nobody signs in now: the app is open to whoever is at this machine. To let people in by accounts, add an "
            "administrator here, set `GEOMSA_AUTH=accounts` on the server, and start it again. Accounts that are "
            "prepared now count from then on."
        ),
        icon=":material/lock_open:",
    )


show_screen()
