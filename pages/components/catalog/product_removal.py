"""Taking a product out of use, bringing it back, and deleting it for good with everything that hangs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import get_product, set_product_active
from core.errors import AppError, Conflict
from core.removal.products import PurgeWeight, purge_product, weigh_purge
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, byte_size, escape, product_name
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import Product

_DEACTIVATE, _PURGE = "product_deactivate", "product_purge"


def show_open_removal() -> None:
    """Draw the question that was asked for."""
    if dialog := opened(_DEACTIVATE):
        product = get_product(services(), dialog.values["id"])
        confirm(
            _("Deactivate “{name}”?", name=escape(product_name(product))),
            _(
                "It will no longer be offered for inspection and deployment. Its images, models and inspections stay, "
                "and it can be reactivated at any time."
            ),
            action=_("Deactivate"),
            icon=":material/block:",
            dialog=dialog,
            carry_out=_deactivate,
        )
    elif dialog := opened(_PURGE):
        draw_dialog(
            _("Delete “{name}” for good?", name=escape(dialog.values["name"])), _show_purge, dialog, width="medium"
        )


def start_deactivating(product: Product) -> None:
    """Ask before the product that the person sees now is taken out of use."""
    open_dialog(_DEACTIVATE, id=product.id, row_version=product.row_version)


def start_purging(product: Product) -> None:
    """Open the list of what would go."""
    st.session_state["product_purge_code"] = ""
    open_dialog(_PURGE, id=product.id, row_version=product.row_version, name=product_name(product), code=product.code)


def reactivate(product: Product) -> None:
    """Reactivate the product. Nothing can be lost by this, so nobody is asked."""
    try:
        set_product_active(services(), person(), product.id, True, row_version=product.row_version)
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is in use again.", name=escape(product_name(product))))
    st.rerun()


def _deactivate(dialog: OpenDialog) -> None:
    """Deactivate the product, now that the person has confirmed it."""
    product_id = dialog.values["id"]
    try:
        product = set_product_active(services(), person(), product_id, False, row_version=dialog.values["row_version"])
    except Conflict as error:
        show_error(error)
        # The person has now been told what the others changed: the next yes is said to that state.
        dialog.values["row_version"] = get_product(services(), product_id).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deactivated.", name=escape(product_name(product))), ":material/block:")
    close_dialog()
    st.rerun()


def _show_purge(dialog: OpenDialog) -> None:
    """List what goes, and ask for the code. What was typed stays when it is refused."""
    values = dialog.values
    try:
        _product, weight = weigh_purge(services(), person(), values["id"])
    except AppError as error:
        show_error(error)
        return
    st.error(_("This cannot be undone. There is no trash for it, only a backup."), icon=":material/delete_forever:")
    st.markdown(_("With the product these go, from the database and from the object store:"))
    st.markdown("\n".join(f"- {line}" for line in _list_weight(weight)))
    st.caption(_("Backups that were made before keep it until they are deleted themselves."))
    st.caption(_("To keep the history, deactivate the product instead. The audit log keeps who deleted it, and when."))
    with st.form("product_purge", border=False):
        typed = st.text_input(
            _("Type the code {code} to confirm", code=f"`{values['code']}`"), key="product_purge_code", max_chars=64
        )
        with st.container(key="danger_product_purge"):
            agreed = st.form_submit_button(
                _("Delete for good"), type="primary", icon=":material/delete_forever:", width="stretch"
            )
    if not agreed:
        return
    try:
        purge_product(services(), person(), values["id"], row_version=values["row_version"], typed_code=typed)
    except Conflict as error:
        show_error(error)
        values["row_version"] = get_product(services(), values["id"]).row_version
        return
    except AppError as error:
        show_error(error)
        return
    say_after_rerun(_("“{name}” is deleted for good.", name=escape(values["name"])), ":material/delete_forever:")
    close_dialog()
    st.rerun()


def _list_weight(weight: PurgeWeight) -> list[str]:
    lines = [
        _n("{count} image", "{count} images", weight.images)
        + " · "
        + _n("{count} manual", "{count} manuals", weight.manuals)
        + f" · {byte_size(weight.byte_size)}",
        _n("{count} type", "{count} types", weight.defect_types),
        _n("{count} model version", "{count} model versions", weight.model_versions),
        _n("{count} inspection with its pictures", "{count} inspections with their pictures", weight.inspections),
    ]
    rarer = (
        (weight.trashed_images, _n("{count} image in the trash", "{count} images in the trash", weight.trashed_images)),
        (weight.gauge_studies, _n("{count} gauge study", "{count} gauge studies", weight.gauge_studies)),
        (weight.watched_folders, _n("{count} watched folder", "{count} watched folders", weight.watched_folders)),
        (weight.report_schedules, _n("{count} scheduled report", "{count} scheduled reports", weight.report_schedules)),
    )
    return lines + [line for count, line in rarer if count]
