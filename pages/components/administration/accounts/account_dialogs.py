"""What can be done with an account: change it, let it in or keep it out, end its sessions."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.access import ROLE_NAMES, ROLES, WORKER
from core.accounts.codes import create_code
from core.accounts.directory import Account, get_account, unlock_account
from core.accounts.editing import edit_account
from core.accounts.people import disable_user, enable_user
from core.errors import AppError
from pages.components.administration.accounts.account_form import ADDING, draw_adding, make_invitation
from pages.components.administration.accounts.account_sessions import show_sessions
from pages.components.administration.binding_fields import pick_bindings
from pages.components.administration.shown_once import Secret, draw_making, sign_in_link
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, escape, moment
from pages.components.shared.session import person, say_after_rerun, services, show_error

_MANAGE, _DISABLE, _RESET, _INVITE = "user_manage", "user_disable", "user_reset", "user_invite"
_FIELDS = ("name", "role", "bind_products", "bind_lines")


def open_account(account: Account) -> None:
    """Open what can be done with the account, as it is now (in a callback)."""
    for name in _FIELDS:
        st.session_state.pop(f"user_edit_{name}", None)
    open_dialog(_MANAGE, id=account.id, row_version=account.row_version, name=account.display_name)


def show_open_account_dialog() -> None:
    """Draw the dialog of an account that is open, if one is."""
    draws: dict[str, Callable[[OpenDialog], None]] = {
        ADDING: draw_adding,
        _MANAGE: _draw_managing,
        _DISABLE: _ask_to_disable,
        _RESET: lambda dialog: draw_making(_("New password for “{name}”", name=_name(dialog)), _reset, dialog),
        _INVITE: lambda dialog: draw_making(_("Invite “{name}”", name=_name(dialog)), _invite, dialog),
    }
    for name, draw in draws.items():
        if dialog := opened(name):
            draw(dialog)


def _name(dialog: OpenDialog) -> str:
    return escape(str(dialog.values["name"]))


def _draw_managing(dialog: OpenDialog) -> None:
    draw_dialog(_name(dialog), _manage, dialog, width="medium", drawer=True)


def _manage(dialog: OpenDialog) -> None:
    try:
        account = get_account(services(), person(), int(dialog.values["id"]))
    except AppError as error:
        show_error(error)
        return
    st.caption(_("Login {login} · since {day}", login=escape(account.login), day=moment(account.created_at)))
    _edit(dialog, account)
    st.divider()
    st.markdown(_("**Coming in**"))
    _show_way_in(dialog, account)
    st.divider()
    st.markdown(_("**Open sessions**"))
    show_sessions(account.id, key="user_sessions")


def _edit(dialog: OpenDialog, account: Account) -> None:
    name = st.text_input(_("Name to show"), account.display_name, key="user_edit_name", max_chars=190)
    roles = {role: _(ROLE_NAMES[role]) for role in ROLES}
    role = st.selectbox(
        _("Role"),
        ROLES,
        index=ROLES.index(account.role),
        key="user_edit_role",
        format_func=roles.__getitem__,
    )
    products, lines = pick_bindings("user_edit_bind", account.bindings) if role == WORKER else ([], [])
    if role != WORKER and account.bindings.is_bound:
        st.caption(_("Only line workers are bound to products and lines: the bindings end."))
    if not st.button(_("Save"), key="user_edit_save", type="primary", icon=":material/save:"):
        return
    try:
        edit_account(
            services(),
            person(),
            account.id,
            row_version=int(dialog.values["row_version"]),
            display_name=name,
            role=role,
            products=products,
            lines=lines,
        )
    except AppError as error:
        show_error(error)
        return
    _finish(_("“{name}” was saved.", name=name.strip()))


def _show_way_in(dialog: OpenDialog, account: Account) -> None:
    if account.locked_until is not None:
        st.warning(
            _("After wrong passwords the next try waits until {time}.", time=moment(account.locked_until)),
            icon=":material/lock_clock:",
        )
        if st.button(_("Unlock now"), key="user_unlock", icon=":material/lock_open:"):
            _carry_out(
                lambda: unlock_account(services(), person(), account.id),
                _("“{name}” may try again at once.", name=account.display_name),
            )
    if account.state == "disabled":
        st.caption(_("The account is disabled: nobody comes in with it. Its history keeps the name."))
        if st.button(_("Enable"), key="user_enable", icon=":material/person_check:"):
            _carry_out(
                lambda: enable_user(services(), person(), account.id, row_version=int(dialog.values["row_version"])),
                _("“{name}” is enabled again.", name=account.display_name),
            )
        return
    st.caption(_say_way_in(account))
    with st.container(horizontal=True):
        if services().settings.auth != "oidc":
            if account.has_password:
                _lead_to(_RESET, _("Reset the password"), "user_reset", ":material/lock_reset:", account)
            else:
                again = _("Invite again") if account.state == "invited" else _("Invite")
                _lead_to(_INVITE, again, "user_invite", ":material/mail:", account)
        _lead_to(_DISABLE, _("Disable"), "user_disable", ":material/person_off:", account)


def _say_way_in(account: Account) -> str:
    if account.is_external:
        return _("The company's sign-in lets the person in.")
    if account.state == "invited":
        return _("Invited until {time}; the code has not been used.", time=moment(account.invited_until))
    if account.state == "waiting":
        return _("There is neither a password nor an invitation that counts: the person cannot come in.")
    if account.must_change_password:
        return _("The password was given by somebody else, and is changed at the next sign-in.")
    return _("The person signs in with a password of their own.")


def _lead_to(name: str, label: str, key: str, icon: str, account: Account) -> None:
    if st.button(label, key=key, icon=icon):
        open_dialog(
            name,
            id=account.id,
            row_version=account.row_version,
            name=account.display_name,
            login=account.login,
            sessions=account.sessions,
        )
        st.rerun()


def _ask_to_disable(dialog: OpenDialog) -> None:
    count = int(dialog.values["sessions"])
    sessions = (
        _n("{count} open session ends now.", "{count} open sessions end now.", count)
        if count
        else _("No session is open now.")
    )
    confirm(
        _("Disable “{name}”?", name=_name(dialog)),
        _("Nobody comes in with this account any more.")
        + f" {sessions} "
        + _("What the person has done keeps the name, and the account can be enabled again."),
        action=_("Disable"),
        icon=":material/person_off:",
        dialog=dialog,
        carry_out=_disable,
        danger=True,
    )


def _disable(dialog: OpenDialog) -> None:
    _carry_out(
        lambda: disable_user(
            services(), person(), int(dialog.values["id"]), row_version=int(dialog.values["row_version"])
        ),
        _("“{name}” is disabled.", name=str(dialog.values["name"])),
    )


def _reset(dialog: OpenDialog) -> Secret | None:
    st.markdown(
        _(
            "A code is made with which the person chooses a new password. The present one counts until then. Codes "
            "made before count no more."
        )
    )
    if not _agreed(_("Make the code"), ":material/lock_reset:"):
        return None
    try:
        made = create_code(services(), person(), user_id=int(dialog.values["id"]), purpose="reset")
    except AppError as error:
        show_error(error)
        return None
    return Secret(
        _("The code counts until {time}.", time=moment(made.row.expires_at)),
        {_("Link"): sign_in_link(made.text), _("Code, to type on the sign-in page"): made.text},
    )


def _invite(dialog: OpenDialog) -> Secret | None:
    st.markdown(_("A code is made with which the person chooses a password. Codes made for them before count no more."))
    if not _agreed(_("Make the invitation"), ":material/mail:"):
        return None
    try:
        return make_invitation(int(dialog.values["id"]), str(dialog.values["login"]))
    except AppError as error:
        show_error(error)
        return None


def _agreed(label: str, icon: str) -> bool:
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key="user_code_cancel"):
            close_dialog()
            st.rerun()
        return st.button(label, key="user_code_make", type="primary", icon=icon)


def _carry_out(act: Callable[[], object], said: str) -> None:
    try:
        act()
    except AppError as error:
        show_error(error)
        return
    _finish(said)


def _finish(said: str) -> None:
    close_dialog()
    say_after_rerun(said)
    st.rerun()
