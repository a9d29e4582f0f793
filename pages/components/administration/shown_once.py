"""What is shown once: a code, a link, a key. It is drawn in the run that made it, and kept nowhere.

Nothing of it is in the session: any further run of the dialog shows it no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

import streamlit as st

from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, opened
from pages.components.shared.language import _
from pages.server.pictures import full_address
from pages.server.requests import app_path


@dataclass(frozen=True)
class Secret:
    """What is shown: `about` says in a sentence what was made and until when it counts; `texts` are copied."""

    about: str
    texts: dict[str, str] = field(repr=False)
    hint: str = ""


def sign_in_link(code: str) -> str:
    """Return the address that leads to the sign-in page with a code, as this browser knows the server."""
    return full_address(app_path(f"/sign-in?code={quote(code, safe='')}"))


def draw_making(
    title: str,
    form: Callable[[OpenDialog], Secret | None],
    dialog: OpenDialog,
    *,
    width: Literal["small", "medium", "large"] = "medium",
) -> None:
    """Draw a dialog whose `form` makes something that is shown once, in the form's place."""

    def content(open_one: OpenDialog) -> None:
        if opened(open_one.name) is None:
            st.rerun()
        place = st.empty()
        with place.container():
            made = form(open_one)
        if made is not None:
            place.empty()
            _show(made)

    draw_dialog(title, content, dialog, width=width)


def _show(made: Secret) -> None:
    st.success(made.about, icon=":material/check_circle:")
    for label, text in made.texts.items():
        st.caption(label)
        st.code(text, language=None, wrap_lines=True)
    st.warning(
        _("It is shown only now: copy it (the button is at the right end of the box) and hand it over."),
        icon=":material/visibility_off:",
    )
    if made.hint:
        st.caption(made.hint)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(_("Close"), key="secret_done", type="primary", icon=":material/close:", on_click=close_dialog)
