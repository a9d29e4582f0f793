"""The same configuration as YAML: shown, edited, taken over; errors with their line."""

from __future__ import annotations

import streamlit as st

from core.training.configuration.naming import name_run
from core.training.configuration.records import RunConfiguration
from core.training.configuration.yaml_text import LARGEST_BYTES, write_yaml
from pages.components.shared.language import _, escape, language
from pages.components.training.draft import drop_text, read_text, type_text

_HEIGHT_PX = 460
_KEY = "train_yaml_text"


def show_yaml_editor(draft: RunConfiguration) -> None:
    """Show the text of the draft; what is typed becomes the draft, or the error stands beside it."""
    code = draft.product
    typed = read_text(code)
    st.caption(_("The same as the form, and for the command line: `python -m core train FILE`"))
    st.session_state[_KEY] = typed.text

    def change() -> None:
        type_text(code, str(st.session_state.get(_KEY, "")))

    st.text_area(
        _("Configuration as YAML"), key=_KEY, height=_HEIGHT_PX, on_change=change, max_chars=LARGEST_BYTES,
        label_visibility="collapsed",
    )  # fmt: skip
    if typed.error is not None:
        st.error(escape(typed.error.sentence(language())), icon=":material/error:")
        _show_line(typed.text, typed.error.params.get("line"))
        st.button(
            _("Back to the last valid configuration"), key="train_yaml_drop", icon=":material/undo:",
            on_click=drop_text, args=(code,),
        )  # fmt: skip
    else:
        st.caption(f":green[:material/check:] {_('Valid. The form shows the same.')}")
    st.download_button(
        _("Download"), data=write_yaml(draft), file_name=f"{name_run(draft).replace(' ', '_')}.yaml",
        mime="application/yaml", key="train_yaml_file", icon=":material/download:", on_click="ignore",
        disabled=typed.error is not None,
    )  # fmt: skip


def _show_line(text: str, line: object) -> None:
    """Show the line that an error is about, with those around it."""
    if not isinstance(line, int):
        return
    written = text.splitlines()
    first, last = max(0, line - 2), min(len(written), line + 1)
    shown = [
        f"{'>' if number == line - 1 else ' '} {number + 1:3d}  {written[number]}" for number in range(first, last)
    ]
    st.code("\n".join(shown), language=None)
