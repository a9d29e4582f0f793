"""Uploading images: the form, the progress by file, and what became of each file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.image_imports.recognizing import holds_several
from core.images.imports.names import IMAGE_ENDINGS
from core.images.notes import describe_note, notes_to_check
from core.images.records import FileOutcome, IncomingFile
from core.images.uploads import add_images
from core.messages.image_notes import IMAGE_NOTES
from pages.components.gallery.putting_back import IN_TRASH, offer_to_put_back
from pages.components.images.intake_check import check_added, show_check
from pages.components.images.labels import NORMAL_IMAGE, SPLIT_NAMES
from pages.components.images.part_rules import ask_part_rule
from pages.components.imports.handing_over import open_plan
from pages.components.shared.language import _, _n, escape, language, number
from pages.components.shared.session import may, person, services, show_error

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.inspections.normal_check import IntakeCheck
    from storage.tables import DefectType, Product

_MOST_LINES = 30
_BETWEEN_UPDATES_S = 0.15


@dataclass
class UploadOutcome:
    """What became of the files of one upload into `product_id`; `stopped` is the error that ended it early.

    `check` is what the model in use says of new normal images.
    """

    product_id: int
    n_files: int
    outcomes: list[FileOutcome] = field(default_factory=list)
    stopped: AppError | None = None
    check: IntakeCheck | None = None

    def of(self, outcome: str) -> list[FileOutcome]:
        """Return the images with this outcome: `added`, `duplicate` or `refused`; a refused mask counts as well."""
        return [found for found in self.outcomes if found.outcome == outcome and not is_mask_set(found)]

    @property
    def n_masks(self) -> int:
        """How many masks were set."""
        return sum(is_mask_set(found) for found in self.outcomes)


def is_mask_set(outcome: FileOutcome) -> bool:
    """Return whether this file was a mask, and has become one."""
    return outcome.outcome == "added" and "mask" in outcome.notes


@st.fragment
def show_upload_form(
    product: Product,
    image_type: str,
    defect_type: DefectType | None,
    *,
    wants_type: bool,
    view: str = "",
    domain: str = "",
) -> None:
    """Show the form, and below it the outcome of the last upload into this product.

    A fragment and no form of Streamlit's: choosing files shows at once what the rule for parts makes of their names.
    """
    assert may(ENGINEER)
    key = f"upload_{image_type}"
    turn = st.session_state.get(f"{key}_turn", 0)
    files = st.file_uploader(
        _("Images, or ZIP files of images"),
        type=[*sorted(IMAGE_ENDINGS), "zip"],
        accept_multiple_files=True,
        key=f"{key}_files_{turn}",
        help=_(
            "JPEG, PNG, BMP, TIFF or WebP, up to 50 MB and 100 megapixels each. A file x_mask.png beside x.png "
            "marks where the defect is."
        ),
    )
    part_rule = ask_part_rule([file.name for file in files], key=key)
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    uses = {found: _(name) for found, name in SPLIT_NAMES.items()}
    split = left.segmented_control(
        _("Use for"),
        list(uses),
        key=f"{key}_split",
        default="train",
        required=True,
        format_func=lambda found: uses[found],
        help=_("Test images are never in a model or in its calibration: they only measure how good it is."),
    )
    pressed = right.button(
        _("Add the images"),
        key=f"{key}_add",
        type="primary",
        icon=":material/add_photo_alternate:",
        width="stretch",
        disabled=part_rule is None,
    )
    if pressed and not files:
        st.warning(_("No file is chosen yet. Choose files, or drop them into the field."), icon=":material/upload:")
    elif pressed and wants_type and defect_type is None:
        st.warning(_("Choose the defect type of these images first, or register a new one."), icon=":material/label:")
    elif pressed or _add_anyway(product, key, turn, files or []):
        incoming = [IncomingFile(name=file.name, read=file.getvalue) for file in files]
        if pressed and holds_several(services(), person(), incoming):
            # Their folders say otherwise than the form: a person decides before anything is stored.
            st.session_state[f"{key}_several"] = turn
            st.rerun()
        upload = ingest_files(
            product,
            image_type,
            defect_type,
            split or "train",
            incoming,
            part_rule=part_rule or "",
            view=view,
            domain=domain,
        )
        st.session_state[key] = upload
        if upload.stopped is None:
            # A new key empties the field and releases the bytes; after a failure the files stay for another try.
            st.session_state[f"{key}_turn"] = turn + 1
            st.rerun()
    if found := last_upload(image_type, product.id):
        show_outcome(found, key)


def _add_anyway(product: Product, key: str, turn: int, files: Sequence[UploadedFile]) -> bool:
    """Say that the folders of an upload name several labels or products; whether it is added all the same."""
    if st.session_state.get(f"{key}_several") != turn or not files:
        return False
    with st.container(border=True, key=f"{key}_several_box"):
        st.markdown(
            ":orange[:material/help:] "
            + _("The folders in this ZIP file name several labels or products. Here all images would get one label.")
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button(
                _("Import it with a plan"), key=f"{key}_plan", type="primary", icon=":material/drive_folder_upload:"
            ):
                open_plan([IncomingFile(name=file.name, read=file.getvalue) for file in files], product=product.code)
            return st.button(_("Give all the chosen label"), key=f"{key}_anyway", icon=":material/label:")


def last_upload(image_type: str, product_id: int) -> UploadOutcome | None:
    """Return the last upload of this session into this product, until the person closes its outcome."""
    found = st.session_state.get(f"upload_{image_type}")
    return found if isinstance(found, UploadOutcome) and found.product_id == product_id else None


def ingest_files(
    product: Product,
    image_type: str,
    defect_type: DefectType | None,
    split: str,
    incoming: Sequence[IncomingFile],
    *,
    part_rule: str = "",
    view: str = "",
    domain: str = "",
) -> UploadOutcome:
    """Ingest the files one after the other, with the progress on the screen."""
    upload = UploadOutcome(product.id, len(incoming))
    has_archive = any(file.name.lower().endswith(".zip") for file in incoming)
    bar = st.progress(0.0, text=_("Reading the files …"))
    shown_at = time.monotonic()
    try:
        for outcome in add_images(
            services(),
            person(),
            product_id=product.id,
            image_type=image_type,
            defect_type_id=defect_type.id if defect_type else None,
            split=split,
            part_rule=part_rule,
            view=view,
            domain=domain,
            files=incoming,
        ):
            upload.outcomes.append(outcome)
            if time.monotonic() - shown_at >= _BETWEEN_UPDATES_S:
                shown_at = time.monotonic()
                done = len(upload.outcomes)
                # How many images an archive holds is known only when it has been read.
                share = min(0.99, done / len(incoming)) if not has_archive else min(0.95, done / (done + 40))
                bar.progress(share, text=_describe_progress(upload, outcome, has_archive))
    except AppError as error:
        upload.stopped = error
    if image_type == NORMAL_IMAGE:
        upload.check = check_added(product.id, upload.outcomes, bar)
    bar.empty()
    return upload


def _describe_progress(upload: UploadOutcome, outcome: FileOutcome, has_archive: bool) -> str:
    done = number(len(upload.outcomes))
    counted = done if has_archive else _("{done} of {total}", done=done, total=number(upload.n_files))
    return f"{counted} · {escape(outcome.name)} · {_describe(outcome)}"


def _describe(outcome: FileOutcome) -> str:
    if outcome.outcome == "added":
        return _("added as {name}", name=escape(outcome.stored_name or ""))
    if outcome.outcome == "duplicate":
        return _("already there as {name}", name=escape(outcome.duplicate_of or ""))
    return _("refused")


def show_outcome(upload: UploadOutcome, key: str) -> None:
    """Show what became of each file, the ones that need attention first."""
    added, duplicates, refused = upload.of("added"), upload.of("duplicate"), upload.of("refused")
    if upload.stopped is not None:
        show_error(upload.stopped)
        st.markdown(_("The images taken in before that are kept. Add the same files again: none is stored twice."))
    with st.container(border=True, key=f"{key}_outcome"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(_n("{count} added", "{count} added", len(added)), icon=":material/check:", color="green")
            if upload.n_masks:
                st.badge(
                    _n("{count} mask set", "{count} masks set", upload.n_masks),
                    icon=":material/select_all:",
                    color="green",
                )
            if duplicates:
                st.badge(
                    _n("{count} already there", "{count} already there", len(duplicates)),
                    icon=":material/content_copy:",
                    color="gray",
                )
            if refused:
                st.badge(_n("{count} refused", "{count} refused", len(refused)), icon=":material/block:", color="red")
            st.space("stretch")
            if st.button(_("Close"), key=f"{key}_close", icon=":material/close:", type="tertiary"):
                st.session_state.pop(key, None)
                st.rerun()
        if upload.check is not None:
            show_check(upload.check)
        if refused:
            st.markdown(f"**{_('Refused')}**")
            _show_lines([(found.name, _sentence(found)) for found in refused])
            if offer_to_put_back([found.error for found in refused], key=key):
                upload.outcomes = [found for found in upload.outcomes if not _lies_in_trash(found)]
                st.rerun(scope="app")
        to_check = [found for found in upload.outcomes if found.outcome == "added" and notes_to_check(found.notes)]
        if to_check:
            st.markdown(f"**{_('To check')}**")
            _show_lines(
                [
                    (found.name, " ".join(_say_note(note, found) for note in notes_to_check(found.notes)))
                    for found in to_check
                ]
            )
        if duplicates:
            with st.expander(_("Already there"), icon=":material/content_copy:", expanded=not refused):
                _show_lines([(found.name, _describe(found)) for found in duplicates])
        if added:
            with st.expander(_("Added"), icon=":material/check:"):
                _show_lines([(found.name, _with_notes(found)) for found in added])


def _lies_in_trash(outcome: FileOutcome) -> bool:
    return outcome.error is not None and outcome.error.code == IN_TRASH


def _sentence(outcome: FileOutcome) -> str:
    return escape(outcome.error.sentence(language())) if outcome.error else _("refused")


def _with_notes(outcome: FileOutcome) -> str:
    notes = [_say_note(note, outcome) for note in outcome.notes if note in IMAGE_NOTES]
    return " ".join([_describe(outcome) + (" ·" if notes else ""), *notes])


def _say_note(code: str, outcome: FileOutcome) -> str:
    return describe_note(code, language(), mask_share=outcome.mask_share)


def _show_lines(lines: Sequence[tuple[str, str]]) -> None:
    shown = lines[:_MOST_LINES]
    named = [(escape(" ".join(name.split())), text) for name, text in shown]
    # Most sentences name their file themselves.
    st.markdown("\n".join(f"- {text}" if name in text else f"- **{name}**: {text}" for name, text in named))
    if len(lines) > len(shown):
        st.caption(_n("and {count} more file", "and {count} more files", len(lines) - len(shown)))
