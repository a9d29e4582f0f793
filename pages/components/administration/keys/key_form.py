"""Making an API key, which is shown once, and revoking one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from core.access import ROLE_NAMES, WORKER
from core.accounts.api_keys import KEY_ROLES, create_key, revoke_key
from core.accounts.key_list import KeyView
from core.accounts.key_scopes import SCOPES
from core.errors import AppError
from pages.components.administration.binding_fields import pick_bindings
from pages.components.administration.shown_once import Secret, draw_making
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, day, escape, local, moment, time_zone
from pages.components.shared.session import person, say_after_rerun, services, show_error

_MAKING, _REVOKING = "key_make", "key_revoke"
_USUAL_DAYS = 365
_FIELDS = ("name", "role", "scopes", "ends", "end", "bind_products", "bind_lines")


def start_making() -> None:
    """Open the dialog that makes a key (in a callback)."""
    for name in _FIELDS:
        st.session_state.pop(f"key_make_{name}", None)
    open_dialog(_MAKING)


def start_revoking(one: KeyView) -> None:
    """Ask whether a key is to be ended (in a callback)."""
    open_dialog(_REVOKING, id=one.id, name=one.name, used=moment(one.last_used_at) if one.last_used_at else "")


def show_open_key_dialog() -> None:
    """Draw the dialog of the keys that is open, if one is."""
    if dialog := opened(_MAKING):
        draw_making(_("New API key"), _form, dialog)
    if dialog := opened(_REVOKING):
        _ask_to_revoke(dialog)


def _form(_dialog: OpenDialog) -> Secret | None:
    name = st.text_input(
        _("Name"), key="key_make_name", max_chars=190, placeholder=_("The program or station that will use it")
    )
    roles = {role: _(ROLE_NAMES[role]) for role in KEY_ROLES}
    role = st.segmented_control(
        _("Role"),
        list(KEY_ROLES),
        key="key_make_role",
        default=WORKER,
        required=True,
        format_func=roles.__getitem__,
        help=_("A program is no administrator: what deletes people or data for good is decided by a person."),
    )
    meanings = {scope: f"{scope}: {_(meaning)}" for scope, meaning in SCOPES.items()}
    scopes = st.multiselect(
        _("What it is for"),
        list(SCOPES),
        key="key_make_scopes",
        format_func=meanings.__getitem__,
        placeholder=_("Everything that the role may"),
    )
    ends = st.checkbox(_("It ends on a day"), True, key="key_make_ends")
    end: date | None = None
    if ends:
        today = local(datetime.now(UTC)).date()
        end = st.date_input(
            _("Last day"),
            today + timedelta(days=_USUAL_DAYS),
            min_value=today,
            key="key_make_end",
            format="YYYY-MM-DD",
        )
    products, lines = pick_bindings("key_make_bind") if role == WORKER else ([], [])
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Cancel"), key="key_make_cancel"):
            close_dialog()
            st.rerun()
        agreed = st.button(_("Make the key"), key="key_make_save", type="primary", icon=":material/key:")
    if not agreed:
        return None
    return _make(name, role or WORKER, scopes, end, products, lines)


def _make(
    name: str, role: str, scopes: list[str], end: date | None, products: list[int], lines: list[str]
) -> Secret | None:
    expires_at = None
    if end is not None:
        expires_at = datetime.combine(end + timedelta(days=1), time.min, tzinfo=time_zone()).astimezone(UTC)
    try:
        made = create_key(
            services(),
            person(),
            name=name,
            role=role,
            expires_at=expires_at,
            scopes=scopes,
            products=products,
            lines=lines,
        )
    except AppError as error:
        show_error(error)
        return None
    until = _("until the end of {day}", day=day(expires_at - timedelta(days=1))) if expires_at else _("without an end")
    return Secret(
        _("The key “{name}” counts from now on, {until}.", name=escape(made.row.name), until=until),
        {_("API key"): made.text},
        _("The program sends it as `Authorization: Bearer KEY`. What it may ask for is described at `/api/v1/docs`."),
    )


def _ask_to_revoke(dialog: OpenDialog) -> None:
    used = str(dialog.values["used"])
    said = _("It was used last {time}.", time=used) if used else _("It has not been used so far.")
    confirm(
        _("Revoke the key “{name}”?", name=escape(str(dialog.values["name"]))),
        _("The program that uses it is refused from now on, and nothing brings the key back.")
        + f" {said} "
        + _("What was done with it stays in the history under its name."),
        action=_("Revoke"),
        icon=":material/key_off:",
        dialog=dialog,
        carry_out=_revoke,
        danger=True,
    )


def _revoke(dialog: OpenDialog) -> None:
    try:
        row = revoke_key(services(), person(), int(dialog.values["id"]))
    except AppError as error:
        show_error(error)
        return
    close_dialog()
    say_after_rerun(_("The key “{name}” is revoked.", name=row.name), ":material/key_off:")
    st.rerun()
