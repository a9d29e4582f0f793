"""What can be done with a dataset version: train, compare, download, delete."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ADMIN
from core.datasets.deleting import count_uses, delete_dataset
from core.datasets.exporting import CONTENT_TYPES, MANIFEST_FORMATS, make_manifest, name_manifest
from core.errors import AppError
from core.images.exports.records import FORMAT_NAMES, ExportChoice
from pages.components.datasets.address import open_version
from pages.components.shared import screens
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.language import _, _n, language
from pages.components.shared.noted_downloads import noted
from pages.components.shared.session import may, person, say_after_rerun, services, show_error
from pages.server.export_downloads import export_path

if TYPE_CHECKING:
    from core.datasets.records import DatasetHead
    from storage.tables import Product

_DELETE = "dataset_delete"


def show_actions(head: DatasetHead, product: Product) -> None:
    """Draw the next steps and downloads of a version in a row."""
    uses = count_uses(services(), head.id)
    with st.container(horizontal=True, vertical_alignment="center", key="dataset_actions"):
        if not head.broken_reason:
            query = {"product": str(product.id), "dataset": str(head.id)}
            screens.link_to(screens.TRAIN_MODEL, _("Train a model"), icon=":material/model_training:", query=query)
            if head.report.good_labels and len(head.report.labels) > len(head.report.good_labels):
                screens.link_to(
                    screens.COMPARE_METHODS, _("Compare methods"), icon=":material/compare:",
                    query={"product": str(product.id)},
                )  # fmt: skip
        with st.popover(_("Download"), icon=":material/download:", key="dataset_download"):
            _show_downloads(head, product)
        # Deleting for good is the administrator's.
        if may(ADMIN):
            st.button(
                _("Delete"),
                key="dataset_delete",
                icon=":material/delete:",
                disabled=uses > 0,
                help=_n(
                    "{count} training or comparison stands on it.",
                    "{count} trainings or comparisons stand on it.",
                    uses,
                )
                if uses
                else None,
                on_click=open_dialog,
                args=(_DELETE,),
            )
    if dialog := opened(_DELETE):
        confirm(
            _("Delete dataset version {number}?", number=head.number),
            _("Its images stay. The version itself cannot be brought back, but the same images can be frozen anew."),
            action=_("Delete"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=partial(_delete, head),
            danger=True,
        )


def _show_downloads(head: DatasetHead, product: Product) -> None:
    st.caption(_("The manifest names every image with its hash, label, part and split."))
    with st.container(horizontal=True):
        for form in MANIFEST_FORMATS:
            st.download_button(
                _("Manifest ({format})", format=form.upper()),
                data=noted(
                    partial(make_manifest, services(), person(), head.id, form),
                    "images",
                    subject_type="dataset",
                    subject_id=head.id,
                    form=f"manifest.{form}",
                ),
                file_name=name_manifest(product.code, head.number, form),
                mime=CONTENT_TYPES[form],
                key=f"dataset_manifest_{form}",
                icon=":material/receipt_long:",
                on_click="ignore",
            )
    if head.broken_reason:
        return
    st.caption(_("Exactly the images of this version, split as it is:"))
    with st.container(horizontal=True):
        for name, words in FORMAT_NAMES.items():
            address = export_path(product.id, ExportChoice(name), language=language(), dataset_id=head.id)
            st.link_button(_(words), address, icon=":material/folder_zip:")


def _delete(head: DatasetHead, _dialog: OpenDialog) -> None:
    try:
        delete_dataset(services(), person(), head.id)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("Dataset version {number} is deleted.", number=head.number))
    close_dialog()
    open_version(None)
    st.rerun()
