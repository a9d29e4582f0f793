"""Exporting a finished run: the format, what is inside, the figures of the proof, and the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.model_exports.making import make_export
from pages.components.shared.language import _, _n, byte_size, number
from pages.components.shared.noted_downloads import noted
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.model_exports.making import ModelExport

_FORMATS: Mapping[str, str] = {"onnx": N_("ONNX"), "openvino": N_("OpenVINO")}
_NOTES: Mapping[str, str] = {
    "onnx": N_(
        "For ONNX Runtime on servers, notebooks, phones and in browsers. With clients in Python and JavaScript."
    ),
    "openvino": N_("For Intel processors and their devices, with a client in Python."),
}
_RUNTIMES: Mapping[str, str] = {"onnxruntime": N_("ONNX Runtime"), "openvino": N_("OpenVINO")}
_INSIDE = (
    (":material/hub:", N_("the network, for any number of images at once")),
    (":material/tune:", N_("every step from a file to the network's input, for programs to read")),
    (":material/label:", N_("the classes with their names in Korean and English")),
    (":material/fact_check:", N_("eight test images with what must come out of them")),
    (":material/description:", N_("a card with figures and limits, and the licenses")),
    (":material/code:", N_("clients that pass the test images")),
)


def show_export(run_id: int) -> None:
    """Draw the export of a run that has ended: it is made with a click, proved, and given out."""
    with st.container(border=True, key=f"export_run_{run_id}"):
        _show(run_id)


@st.fragment
def _show(run_id: int) -> None:
    st.markdown(f"**{_('Export')}**")
    chosen = st.segmented_control(
        _("Format"),
        list(_FORMATS),
        default="onnx",
        required=True,
        key=f"export_format_{run_id}",
        format_func=lambda name: _(_FORMATS[name]),
    )
    st.caption(_(_NOTES[chosen]))
    with st.expander(_("What is inside")):
        st.markdown("\n".join(f"- {icon} {_(words)}" for icon, words in _INSIDE))
        st.caption(
            _("The test images are images of the dataset version: share the file only with those who may see them.")
        )
    key = f"export_made_{run_id}_{chosen}"
    pressed = st.button(
        _("Make the export"),
        key=f"export_make_{run_id}_{chosen}",
        icon=":material/deployed_code_update:",
        width="stretch",
        help=_("Some seconds: the network is asked about the same images through both runtimes first."),
    )
    if pressed:
        st.session_state.pop(key, None)
        try:
            with st.spinner(_("Proving the network on its images …")):
                st.session_state[key] = make_export(services(), person(), f"run:{run_id}", chosen)
        except AppError as error:
            show_error(error)
            return
    made = st.session_state.get(key)
    if made is not None:
        _show_made(made)


def _show_made(made: ModelExport) -> None:
    parity = made.parity
    st.success(
        _n(
            "Proved on {count} image: every runtime gives what the network gives here.",
            "Proved on {count} images: every runtime gives what the network gives here.",
            int(parity["images"]),
        ),
        icon=":material/verified:",
    )
    columns = st.columns(len(parity["runtimes"]))
    for column, one in zip(columns, parity["runtimes"], strict=True):
        column.metric(
            _(_RUNTIMES.get(one["runtime"], one["runtime"])),
            f"{one['max_difference']:.1e}",
            help=_(
                "The largest difference of any probability; {limit} is allowed. {ms} ms an image here.",
                limit=f"{parity['tolerance']:g}", ms=number(one["ms_per_image"], 1),
            ),
        )  # fmt: skip
    if not made.path.is_file():
        st.info(_("The file was cleaned up meanwhile. Make the export again: it is the same."))
        return
    st.download_button(
        _("Download ({size})", size=byte_size(made.byte_size)),
        data=noted(made.path.read_bytes, "model", name=str(made.reference), form=made.format, sha256=made.sha256),
        file_name=made.file_name,
        mime="application/zip",
        key=f"export_download_{made.reference}_{made.format}",
        icon=":material/download:",
        type="primary",
        width="stretch",
        on_click="ignore",
    )
    st.caption(
        _("The same in the terminal: {command}", command=f"`python -m core export-model {made.reference} "
          f"--format {made.format} --to {_('FOLDER')}`")
    )  # fmt: skip
    st.caption(f"SHA-256 `{made.sha256[:16]}…` · " + _n("{count} file", "{count} files", len(made.files)))
