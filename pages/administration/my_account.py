"""My account: one's own name, language and password, where one is signed in, and what one's role may do."""

from __future__ import annotations

import streamlit as st

from core.access import ADMIN, ENGINEER, ROLE_NAMES, WORKER
from core.accounts.own_account import change_password, has_password, rename_oneself, sign_out_elsewhere
from core.accounts.people import save_language
from core.errors import AppError
from core.i18n import LANGUAGES, N_
from pages.components.administration.accounts.account_sessions import show_sessions
from pages.components.administration.binding_fields import product_names, say_bindings
from pages.components.shared.language import _, _n, escape, language, set_language
from pages.components.shared.session import (
    own_bindings,
    person,
    require,
    say_after_rerun,
    services,
    session_cookie,
    set_person,
    show_error,
)

require(WORKER)

# From the least on: each role may what those before it may.
_MAY: dict[str, str] = {
    WORKER: N_("Inspect parts, see why one failed, follow the corrective steps, decide, and close actions."),
    ENGINEER: N_(
        "Register products, images and manuals, set preprocessing and thresholds, train and deploy models, read trends "
        "and reports."
    ),
    ADMIN: N_("Manage people, API keys and backups, read the audit log, and delete for good."),
}
_PASSWORD_FIELDS = ("own_present", "own_new", "own_again")


def show_screen() -> None:
    """Show the parts of the account that there are."""
    st.title(_("My account"))
    if services().settings.auth == "open":
        st.info(
            _("Nobody signs in now: this is the role that is tried out at this machine, and no account of a person."),
            icon=":material/lock_open:",
        )
    left, right = st.columns(2, gap="large")
    with left:
        show_name()
        show_role()
    with right:
        if services().settings.auth != "open":
            show_password()
            show_own_sessions()


def show_name() -> None:
    """Show the name and the language, which can be changed."""
    st.subheader(_("Name and language"))
    signs_in = services().settings.auth != "open"
    if signs_in:
        st.caption(_("Login {login}", login=escape(person().login)))
    with st.form("own_name_form", border=False):
        name = st.text_input(
            _("Name to show"),
            person().display_name if signs_in else _(ROLE_NAMES[person().role]),
            key="own_name",
            max_chars=190,
            disabled=not signs_in,
            help=_("Stands beside everything that you do from now on."),
        )
        chosen = st.selectbox(
            _("Language"),
            list(LANGUAGES),
            index=list(LANGUAGES).index(language()),
            key="own_language",
            format_func=lambda code: LANGUAGES[code],
        )
        saved = st.form_submit_button(_("Save"), key="own_name_save", icon=":material/save:")
    if saved:
        keep_name(name if signs_in else None, chosen)


def keep_name(name: str | None, chosen: str) -> None:
    """Keep what was typed; None leaves the name as it is."""
    try:
        if name is not None:
            set_person(rename_oneself(services(), person(), name))
        set_person(save_language(services(), person(), chosen))
    except AppError as error:
        show_error(error)
        return
    set_language(chosen)
    st.session_state.pop("language_choice", None)
    say_after_rerun(_("Saved."))
    st.rerun()


def show_role() -> None:
    """Show what the role may do, and what the account is bound to."""
    st.subheader(_("What you may do"))
    st.markdown(_("Your role: **{role}**", role=_(ROLE_NAMES[person().role])))
    roles = list(_MAY)
    st.markdown("\n".join(f"- {_(_MAY[role])}" for role in roles[: roles.index(person().role) + 1]))
    bindings = own_bindings()
    if bindings.is_bound:
        st.info(
            _("You see and inspect a part of everything. {what}.", what=say_bindings(bindings, product_names())),
            icon=":material/link:",
        )
        st.caption(_("An administrator can change this."))


def show_password() -> None:
    """Show the change of the password; the present one is asked for."""
    st.subheader(_("Password"))
    if not has_password(services(), person()):
        st.caption(_("You sign in through the company's sign-in; the password is changed there."))
        return
    if st.session_state.pop("own_password_done", False):
        for name in _PASSWORD_FIELDS:
            st.session_state[name] = ""
    with st.form("own_password_form", border=False):
        present = st.text_input(
            _("Present password"), key="own_present", type="password", autocomplete="current-password", max_chars=1000
        )
        new = st.text_input(
            _("New password"), key="own_new", type="password", autocomplete="new-password", max_chars=1000
        )
        again = st.text_input(
            _("New password once more"), key="own_again", type="password", autocomplete="new-password", max_chars=1000
        )
        pressed = st.form_submit_button(_("Change the password"), key="own_password_save", icon=":material/password:")
    if pressed:
        keep_password(present, new, again)


def keep_password(present: str, new: str, again: str) -> None:
    """Change the password; other browsers are signed out."""
    if new != again:
        st.error(_("The two new passwords differ. Nothing was changed."), icon=":material/error:")
        return
    try:
        set_person(change_password(services(), person(), present=present, new=new, current_cookie=session_cookie()))
    except AppError as error:
        show_error(error)
        return
    # Nothing of it stays in the session.
    st.session_state["own_password_done"] = True
    say_after_rerun(_("The password is changed. Every other browser is signed out."), ":material/password:")
    st.rerun()


def show_own_sessions() -> None:
    """Show where the person is signed in, and end the others."""
    st.subheader(_("Where you are signed in"))
    show_sessions(person().id, key="own_sessions")
    if st.button(_("Sign out everywhere else"), key="own_sign_out_elsewhere", icon=":material/logout:"):
        try:
            ended = sign_out_elsewhere(services(), person(), current_cookie=session_cookie())
        except AppError as error:
            show_error(error)
            return
        say_after_rerun(
            _n("{count} other session was ended.", "{count} other sessions were ended.", ended)
            if ended
            else _("You are signed in nowhere else."),
            ":material/logout:",
        )
        st.rerun()


show_screen()
