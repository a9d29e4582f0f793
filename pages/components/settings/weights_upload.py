"""Bringing a network's weights: whether they are here, fetching them, uploading them, pointing at a file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import BadInput, NotFound
from core.models.weight_paths import WeightsState
from core.registry.weight_files import add_weights, fetch_weights
from pages.components.shared.language import _, byte_size
from pages.components.shared.session import person, say_after_rerun, services, showing_errors


def weights_badge(state: WeightsState) -> None:
    """Return whether the weights are here, as label, color and icon."""
    if state.source == "carried":
        st.badge(_("Weights included"), icon=":material/check_circle:", color="green")
    elif state.source == "added":
        st.badge(_("Weights added"), icon=":material/check_circle:", color="green")
    else:
        st.badge(_("Weights not here"), icon=":material/download:", color="orange")


def show_weights_upload(state: WeightsState) -> None:
    """Show the ways to bring the weights; nothing once they are here."""
    if state.path is not None:
        return
    name = state.spec.name
    if state.download is not None and st.button(
        _("Fetch ({size})", size=byte_size(state.byte_size)),
        icon=":material/cloud_download:",
        key=f"weights_{name}_fetch",
        help=_("From {url}. The file is checked against its published hash.", url=state.download.url),
    ):
        with showing_errors():
            _fetch(name)
            _say_added(state)
    uploaded = st.file_uploader(
        _("Weights file (.safetensors)"), type=["safetensors"], key=f"weights_{name}_file_{_attempt(name)}"
    )
    path = st.text_input(
        _("… or its path on the server"),
        key=f"weights_{name}_path",
        placeholder="/mnt/weights/model.safetensors",
        help=_("For files that are larger than an upload may be."),
    )
    given = uploaded is not None or bool(path.strip())
    if st.button(_("Add the weights"), key=f"weights_{name}_add", icon=":material/add:", disabled=not given):
        with showing_errors():
            with st.spinner(_("Checking the weights …")):
                if uploaded is not None:
                    add_weights(services(), person(), name=name, file_name=uploaded.name, stream=uploaded)
                else:
                    _add_from(Path(path.strip()), name)
            st.session_state[f"weights_{name}_attempt"] = _attempt(name) + 1
            _say_added(state)


def _attempt(name: str) -> int:
    """Return a part of the upload's key: a new one empties it after its file was added."""
    return int(st.session_state.get(f"weights_{name}_attempt", 0))


def _add_from(path: Path, name: str) -> None:
    try:
        stream = path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("path_not_found", path=str(path)) from error
    except OSError as error:
        raise BadInput("path_unreadable", name=path.name) from error
    with stream:
        add_weights(services(), person(), name=name, file_name=path.name, stream=stream)


def _fetch(name: str) -> None:
    bar = st.progress(0.0, text=_("Connecting …"))

    def show(done: int, total: int) -> None:
        text = _("{done} of {total}", done=byte_size(done), total=byte_size(total)) if total else byte_size(done)
        bar.progress(min(1.0, done / total) if total else 0.0, text=text)

    fetch_weights(services(), person(), name=name, progress=show)


def _say_added(state: WeightsState) -> None:
    say_after_rerun(_("The weights of {name} are here now.", name=state.spec.title))
    st.rerun()
