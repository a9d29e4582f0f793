"""Files that were chosen elsewhere and need a plan: they become its draft, and need not be chosen again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AppError, BadInput
from core.image_imports.drafts import ImportDraft, draft_from_files
from core.images.records import IncomingFile
from pages.components.imports.plan_view import keep_draft
from pages.components.shared.language import _
from pages.components.shared.screens import IMAGE_IMPORT
from pages.components.shared.session import person, services, show_error


def open_plan(files: Sequence[IncomingFile], *, product: str = "") -> None:
    """Plan the import of these files and go to its screen; says why where that fails, and stays then.

    `product` is the one that they are for, unless their folders name several.
    """
    try:
        with st.spinner(_("Reading what the files hold. Nothing is taken in yet …"), show_time=True):
            draft = _plan(files, product)
    except AppError as error:
        show_error(error)
        return
    keep_draft(draft)
    st.switch_page(IMAGE_IMPORT, query_params={"draft": str(draft.id)})


def _plan(files: Sequence[IncomingFile], product: str) -> ImportDraft:
    try:
        return draft_from_files(services(), person(), files, product=product)
    except BadInput as error:
        if not product or error.code != "import_several_products":
            raise
    return draft_from_files(services(), person(), files)
