"""The folders of a plan as a table with pictures, and the form that changes one or many of them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import AppError
from core.image_imports.deciding import Change, change_folders
from core.images.imports.records import DEFECT, LEFT_OUT, MASK, NORMAL
from pages.components.images.domains import name_domain
from pages.components.imports.wording import USE_NAMES, label_split, name_folder, name_use, say_reason
from pages.components.shared.language import _, _n, number
from pages.components.shared.session import show_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.image_imports.drafts import ImportDraft
    from core.images.imports.records import PlannedFolder

_ROW_PX, _MOST_ROWS_SEEN = 52, 8
_AS_IT_IS = "as_it_is"
_KINDS = (_AS_IT_IS, NORMAL, DEFECT, MASK, LEFT_OUT)
_SPLITS = (_AS_IT_IS, "train", "val", "test")


def show_folder_table(draft: ImportDraft, examples: Mapping[str, bytes]) -> dict[str, str]:
    """Draw the folders; return the roles that a person gave some of them on this run."""
    folders = draft.plan.folders
    if not folders:
        return {}
    st.markdown(f"**{_('What becomes of what')}** · {_('Tick rows to change them.')}")
    chosen = _draw(draft, folders, examples)
    return _ask_change(draft, folders, chosen)


def _draw(draft: ImportDraft, folders: Sequence[PlannedFolder], examples: Mapping[str, bytes]) -> list[str]:
    import pandas as pd

    has_product = len({folder.use.product for folder in folders if folder.use.product}) > 1
    has_view = any(folder.use.view for folder in folders)
    has_domain = any(folder.use.domain for folder in folders)
    has_parts = any(folder.n_parts for folder in folders)
    rows: list[dict[str, Any]] = []
    for folder in folders:
        use = folder.use
        # What a folder becomes stands before its path: on a phone the rest is scrolled to.
        row: dict[str, Any] = {
            "picture": next((_as_address(examples[path]) for path in folder.examples if path in examples), ""),
            "becomes": name_use(use.kind),
            "folder": name_folder(folder.path),
            "images": folder.n_images,
            "type": use.defect_name,
            "split": label_split(use.split) if use.kind in {NORMAL, DEFECT} else "",
        }
        if has_product:
            row["product"] = use.product
        if has_view:
            row["view"] = use.view
        if has_domain:
            row["domain"] = name_domain(use.domain) if use.domain else ""
        if has_parts:
            row["parts"] = folder.n_parts or None
        row["why"] = _why(folder)
        rows.append(row)
    columns: dict[str, Any] = {
        "picture": st.column_config.ImageColumn(_("Example"), width=72),
        "folder": st.column_config.TextColumn(_("Folder"), width=260),
        "images": st.column_config.NumberColumn(_("Files"), width=64),
        "becomes": st.column_config.TextColumn(_("Becomes"), width=112),
        "type": st.column_config.TextColumn(_("Defect type"), width=120),
        "product": st.column_config.TextColumn(_("Product"), width=110),
        "split": st.column_config.TextColumn(_("Split"), width=84),
        "view": st.column_config.TextColumn(_("View of the part"), width=72),
        "domain": st.column_config.TextColumn(_("Where taken"), width=84),
        "parts": st.column_config.NumberColumn(_("Parts"), width=64),
        "why": st.column_config.TextColumn(_("Why"), width="large"),
    }
    event = st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height=_ROW_PX * min(len(rows), _MOST_ROWS_SEEN) + 40,
        row_height=_ROW_PX,
        column_config=columns,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"import_table_{draft.id}_{draft.row_version}",
    )
    picked = event["selection"]["rows"] if event else []
    return list(dict.fromkeys(folders[place].path for place in picked if place < len(folders)))


def _ask_change(draft: ImportDraft, folders: Sequence[PlannedFolder], chosen: Sequence[str]) -> dict[str, str]:
    turn = f"{draft.id}_{draft.row_version}_{len(chosen)}"
    paths = list(dict.fromkeys(folder.path for folder in folders))
    counts = {path: sum(folder.n_images for folder in folders if folder.path == path) for path in paths}
    title = _n("Change {count} folder", "Change {count} folders", len(chosen)) if chosen else _("Change folders")
    with st.expander(title, icon=":material/edit:", expanded=bool(chosen)):
        picked = st.multiselect(
            _("Folders"),
            paths,
            default=list(chosen),
            key=f"import_folders_{turn}",
            format_func=lambda path: f"{name_folder(path)} ({number(counts[path])})",
            placeholder=_("Tick rows in the table, or choose folders here"),
        )
        first, second, third = st.columns([1.3, 1.2, 1.2])
        kind = first.selectbox(_("Becomes"), _KINDS, key=f"import_kind_{turn}", format_func=_name_kind)
        suggested = next((folder.suggested_name for folder in folders if folder.path in picked), "")
        name = second.text_input(
            _("Defect type"),
            value=suggested if kind == DEFECT else "",
            key=f"import_type_{turn}_{kind}",
            disabled=kind not in {DEFECT, _AS_IT_IS},
            max_chars=190,
            placeholder=_("as it is") if kind == _AS_IT_IS else "",
        )
        split = third.selectbox(
            _("Split"),
            _SPLITS,
            key=f"import_split_{turn}",
            format_func=lambda found: _("as it is") if found == _AS_IT_IS else label_split(found),
        )
        fourth, fifth, sixth = st.columns([1.3, 1.2, 1.2], vertical_alignment="bottom")
        product = fourth.text_input(
            _("Product (name or code)"), key=f"import_product_{turn}", max_chars=190, placeholder=_("as it is")
        )
        view = fifth.text_input(
            _("View of the part"), key=f"import_view_{turn}", max_chars=64, placeholder=_("as it is")
        )
        is_part = sixth.checkbox(
            _("Each folder below is one part"),
            key=f"import_part_{turn}",
            help=_("Its images are exposures or views of one piece, and stay in one split."),
        )
        if not st.button(_("Apply"), key=f"import_apply_{turn}", type="primary", icon=":material/check:"):
            return {}
    if not picked:
        st.warning(_("Choose folders first."), icon=":material/checklist:")
        return {}
    change = Change(
        kind=None if kind == _AS_IT_IS else kind,
        defect_name=name.strip() or None,
        split=None if split == _AS_IT_IS else split,
        product=product.strip() or None,
        view=view.strip() or None,
        is_part=True if is_part else None,
    )
    if change == Change():
        st.warning(_("Say first what is to be different."), icon=":material/edit:")
        return {}
    if kind == DEFECT and not change.defect_name:
        st.warning(_("Name the defect type."), icon=":material/label:")
        return {}
    uses = {folder.path: folder.use for folder in reversed(folders)}
    try:
        return change_folders(draft.decisions, uses, dict.fromkeys(picked, change))
    except AppError as error:
        show_error(error)
        return {}


def _name_kind(kind: str) -> str:
    return _("as it is") if kind == _AS_IT_IS else _(USE_NAMES[kind])


def _why(folder: PlannedFolder) -> str:
    # What is left out is so file by file: the first stands for the others.
    is_of_files = folder.use.kind == LEFT_OUT and folder.examples
    name = folder.examples[0] if is_of_files else name_folder(folder.path)
    words = say_reason(folder.reason, name=name, path=name)
    return f"{words} ({_('likely')})" if folder.sureness == "likely" and words else words


def _as_address(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
