"""Adding a person: who it is and what they may do, then how they come in."""

from __future__ import annotations

import streamlit as st

from core.access import ROLE_NAMES, ROLES, WORKER
from core.accounts.codes import create_code
from core.accounts.people import create_user
from core.errors import AppError
from core.i18n import N_
from pages.components.administration.binding_fields import pick_bindings
from pages.components.administration.shown_once import Secret, draw_making, sign_in_link
from pages.components.shared.dialogs import OpenDialog, close_dialog, open_dialog
from pages.components.shared.language import _, escape, moment
from pages.components.shared.session import person, say_after_rerun, services, show_error

ADDING = "user_add"
INVITATION, PASSWORD, PROVIDER = "invitation", "password", "provider"
_WAYS: dict[str, str] = {
    INVITATION: N_("Make an invitation"),
    PASSWORD: N_("Give a password now"),
    PROVIDER: N_("The company's sign-in lets them in"),
}
_WAY_HINTS: dict[str, str] = {
    INVITATION: N_("A code, shown once, with which the person chooses a password of their own."),
    PASSWORD: N_("The person must change it at the first sign-in. Tell it in person, never by mail."),
    PROVIDER: N_("The login must be the name by which the company's sign-in knows the person."),
}


def start_adding() -> None:
    """Open the dialog (in a callback)."""
    for name in ("login", "name", "password", "way", "role", "bind_products", "bind_lines"):
        st.session_state.pop(f"user_add_{name}", None)
    open_dialog(ADDING)


def draw_adding(dialog: OpenDialog) -> None:
    """Draw the dialog that adds a person."""
    draw_making(_("Add a person"), _form, dialog)


def make_invitation(user_id: int, login: str) -> Secret:
    """Make an invitation for an account, as it is shown once. Raises AppError."""
    made = create_code(services(), person(), user_id=user_id, purpose="invitation")
    return Secret(
        _("“{name}” is invited until {time}.", name=escape(login), time=moment(made.row.expires_at)),
        {_("Link"): sign_in_link(made.text), _("Code, to type on the sign-in page"): made.text},
        _hint(),
    )


def _hint() -> str:
    if services().settings.auth == "open":
        return _("The link works once the server is started with accounts.")
    return ""


def _form(_dialog: OpenDialog) -> Secret | None:
    st.markdown(_("**1. Who it is**"))
    login_field, name_field = st.columns(2)
    login = login_field.text_input(
        _("Login"), key="user_add_login", max_chars=190, help=_("What is typed at sign-in. Small letters, no spaces.")
    )
    name = name_field.text_input(
        _("Name to show"), key="user_add_name", max_chars=190, help=_("Stands beside everything the person does.")
    )
    roles = {role: _(ROLE_NAMES[role]) for role in ROLES}
    role = st.selectbox(_("Role"), ROLES, key="user_add_role", format_func=roles.__getitem__)
    products, lines = pick_bindings("user_add_bind") if role == WORKER else ([], [])
    st.markdown(_("**2. How they come in**"))
    ways = [PROVIDER] if services().settings.auth == "oidc" else [INVITATION, PASSWORD]
    names = {way: _(_WAYS[way]) for way in ways}
    way = st.radio(
        _("How they come in"),
        ways,
        key="user_add_way",
        format_func=names.__getitem__,
        captions=[_(_WAY_HINTS[one]) for one in ways],
        label_visibility="collapsed",
    )
    password = ""
    if way == PASSWORD:
        password = st.text_input(
            _("Password"), key="user_add_password", type="password", max_chars=1000, autocomplete="new-password"
        )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key="user_add_cancel"):
            close_dialog()
            st.rerun()
        agreed = st.button(
            _("Add and make the invitation") if way == INVITATION else _("Add"),
            key="user_add_save",
            type="primary",
            icon=":material/person_add:",
        )
    if not agreed:
        return None
    return _add(login, name, role, way or INVITATION, password, products, lines)


def _add(
    login: str, name: str, role: str, way: str, password: str, products: list[int], lines: list[str]
) -> Secret | None:
    try:
        user = create_user(
            services(),
            person(),
            login=login,
            display_name=name or login,
            role=role,
            password=password if way == PASSWORD else None,
            must_change_password=way == PASSWORD,
            products=products,
            lines=lines,
        )
        st.session_state.pop("user_add_password", None)
        if way == INVITATION:
            return make_invitation(user.id, user.login)
    except AppError as error:
        show_error(error)
        return None
    close_dialog()
    say_after_rerun(_("“{name}” was added.", name=user.display_name), ":material/person_add:")
    return st.rerun()
