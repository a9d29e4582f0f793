"""Import images: a ZIP file, many files or a folder becomes a plan, which a person decides on and a job carries out."""

from __future__ import annotations

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError, NotFound
from core.image_imports.drafts import list_drafts
from core.image_imports.results import view_import
from pages.components.imports.job_view import show_import_list, show_live, show_over
from pages.components.imports.plan_view import find_shown_draft, keep_draft, show_draft
from pages.components.imports.start_form import say_size, show_start_form
from pages.components.shared.language import _, byte_size, escape, moment
from pages.components.shared.session import person, require, say_after_rerun, services, show_error

_DRAFT = "draft"
_JOB = "job"
_PRODUCT = "product"
_MOST_DIGITS = 18  # as many as every database's largest number has


def go_to(*, draft: int | None = None, job: int | None = None) -> None:
    """Name a draft or a started import in the address; neither: the start."""
    for name, value in ((_DRAFT, draft), (_JOB, job)):
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = str(value)


def read_number(name: str) -> int:
    """Return the number in the address; 0 for what is none."""
    text = str(st.query_params.get(name, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def show_title(text: str) -> None:
    """Draw the title with the way back to all imports."""
    title, back = st.columns([4, 1], vertical_alignment="bottom")
    title.title(text)
    back.button(_("All imports"), icon=":material/arrow_back:", width="stretch", on_click=go_to)


def show_started() -> None:
    """Draw the import that the address names."""
    job_id = read_number(_JOB)
    show_title(_("Import {number}", number=job_id))
    try:
        found = view_import(services(), person(), job_id)
    except NotFound:
        st.warning(_("The import of this link is not there."), icon=":material/link_off:")
        return
    if found.is_over:
        show_over(found)
    else:
        show_live(job_id)


def show_plan() -> None:
    """Draw the draft that the address names."""
    show_title(_("Import images"))
    try:
        draft = find_shown_draft(read_number(_DRAFT))
    except AppError as error:
        show_error(error)
        return
    done = show_draft(draft)
    if done is None:
        return
    if done == 0:
        say_after_rerun(_("The plan is thrown away."))
        go_to()
    else:
        go_to(job=done)
    st.rerun()


def show_start() -> None:
    """Draw the form for a new import, the drafts that wait, and the imports so far."""
    st.title(_("Import images"))
    st.markdown(
        _(
            "From a ZIP file, many files or a folder: what each folder would become is shown first, and can be "
            "changed. Nothing is taken in before you say so."
        )
    )
    asked = read_number(_PRODUCT) or None
    with st.container(border=True):
        made = show_start_form(asked)
    if made is not None:
        keep_draft(made)
        go_to(draft=made.id)
        st.rerun()
    drafts = list_drafts(services(), person(), limit=5)
    if drafts:
        st.subheader(_("Not started yet"))
        for row in drafts:
            words, button = st.columns([4, 1], vertical_alignment="center")
            size = say_size(row.n_files, byte_size(row.byte_size))
            words.markdown(f"{escape(row.title)}  \n{size} · {moment(row.updated_at)}")
            button.button(
                _("Go on with it"),
                key=f"import_draft_{row.id}",
                icon=":material/arrow_forward:",
                width="stretch",
                on_click=go_to,
                kwargs={"draft": row.id},
            )
    opened = show_import_list()
    if opened is not None:
        go_to(job=opened)
        st.rerun()


require(ENGINEER)
if _JOB in st.query_params:
    show_started()
elif _DRAFT in st.query_params:
    show_plan()
else:
    show_start()
