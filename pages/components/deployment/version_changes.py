"""What changed between two versions, as a dialog: figures side by side, images with thumbnails, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.images.library import read_thumbnails
from core.models.options import label_options
from core.registry.comparison import ChangedImage, VersionChanges, compare_versions
from pages.components.deployment.metrics import FIGURES_HELP, figure_title
from pages.components.settings.preprocessing_label import describe_options
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.labels import THRESHOLD_METHODS, label_of, name_model
from pages.components.shared.language import _, _n, escape, moment, number
from pages.components.shared.session import services, show_error
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from storage.tables import ModelVersion

_DIALOG = "version_changes"
_COLUMNS = 6
_MOST_SHOWN = 24
_COUNT_NAMES: dict[str, str] = {
    "n_normal": N_("Normal test images"),
    "n_defect": N_("Defect test images"),
    "bank_size": N_("Patches in the memory bank"),
    "n_images": N_("Images in the index"),
}


def open_changes(first: ModelVersion, second: ModelVersion) -> None:
    """Open the dialog for these two, from a widget's callback."""
    open_dialog(_DIALOG, version_ids=(first.id, second.id))


def show_open_changes() -> None:
    """Show the dialog, where it is open."""
    if dialog := opened(_DIALOG):
        draw_dialog(_("What changed"), _show_changes, dialog, width="large")


def _show_changes(dialog: OpenDialog) -> None:
    first, second = dialog.values["version_ids"]
    try:
        changes = compare_versions(services(), first, second)
    except AppError as error:
        show_error(error)
        return
    st.markdown(
        _(
            "From **version {older}** ({before}) to **version {newer}** ({after})",
            older=changes.older.number,
            newer=changes.newer.number,
            before=moment(changes.older.created_at),
            after=moment(changes.newer.created_at),
        )
    )
    if changes.nothing_else:
        st.info(_("Both were built from the same images in the same way."), icon=":material/check_circle:")
    if changes.extended_by is not None:
        added = _n("{count} image", "{count} images", changes.extended_by)
        st.caption(
            _(
                "The memory bank was extended by {images}; the features of the others were not computed again.",
                images=added,
            )
        )
    show_figures_beside(changes)
    _show_settings(changes)
    for title, images in (
        (_n("{count} image added", "{count} images added", len(changes.added)), changes.added),
        (_n("{count} image removed", "{count} images removed", len(changes.removed)), changes.removed),
        (_n("{count} image re-labelled", "{count} images re-labelled", len(changes.relabeled)), changes.relabeled),
    ):
        _show_images(title, images)


def show_figures_beside(changes: VersionChanges) -> None:
    """Show the figures of both in one table, and whether they were measured on the same test images."""
    rows = []
    for figure in changes.figures:
        name, decimals = figure_title(figure.name) or (_(_COUNT_NAMES.get(figure.name, "")), 0)
        if not name:
            continue
        before, after = (None if value is None else float(value) for value in (figure.before, figure.after))
        rows.append((name, before, after, decimals))
    limits = changes.thresholds
    if limits is not None:
        for name, early, late in (
            (_("Review from"), limits[0].review_at, limits[1].review_at),
            (_("NG from"), limits[0].reject_at, limits[1].reject_at),
        ):
            rows.append((name, early, late, 3))
    if not rows:
        return
    st.markdown(f"**{_('Figures')}**", help=_(FIGURES_HELP))
    st.table(
        {
            _("Figure"): [escape(name) for name, _before, _after, _decimals in rows],
            _("Version {number}", number=changes.older.number): [_figure(row[1], row[3]) for row in rows],
            _("Version {number}", number=changes.newer.number): [_figure(row[2], row[3]) for row in rows],
            _("Difference"): [_difference(*row[1:]) for row in rows],
        },
        border="horizontal",
        hide_index=True,
    )
    if limits is not None:
        methods = [label_of(THRESHOLD_METHODS, setting.method) for setting in limits]
        if methods[0] != methods[1]:
            st.caption(_("Thresholds: {before} → {after}", before=methods[0], after=methods[1]))
    if not changes.was_measured:
        return
    if changes.same_test_images:
        st.caption(_("Both were measured on the same test images."))
    else:
        st.warning(
            _("The two were measured on different test images: their figures do not compare."),
            icon=":material/warning:",
        )


def _figure(value: float | None, decimals: int) -> str:
    if value is None:
        return "–"
    return number(value, decimals)


def _difference(before: float | None, after: float | None, decimals: int) -> str:
    if before is None or after is None:
        return "–"
    difference = after - before
    return "=" if round(difference, decimals) == 0 else f"{difference:+,.{decimals}f}"


def _show_settings(changes: VersionChanges) -> None:
    names = {"model": N_("Model"), **label_options()}
    lines = []
    for value in changes.model:
        before, after = (
            name_model(found) if value.name == "model" else str(_("its own") if found is None else found)
            for found in (value.before, value.after)
        )
        lines.append(f"{label_of(names, value.name)}: {escape(before)} → **{escape(after)}**")
    if changes.preprocessing is not None:
        before, after = (describe_options(options) for options in changes.preprocessing)
        if before == after:
            after = _("{options} (drawn anew)", options=after)
        lines.append(f"{_('Preprocessing')}: {escape(before)} → **{escape(after)}**")
    if lines:
        st.markdown(f"**{_('How it was built')}**\n\n" + "\n".join(f"- {line}" for line in lines))


def _show_images(title: str, images: Sequence[ChangedImage]) -> None:
    if not images:
        return
    st.markdown(f"**{title}**")
    shown = images[:_MOST_SHOWN]
    thumbnails = read_thumbnails(services(), [found.image for found in shown if found.image is not None])
    for start in range(0, len(shown), _COLUMNS):
        for column, found in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
            with column:
                if found.image is not None:
                    show_thumbnail(thumbnails.get(found.image_id), alt=found.name)
                    st.caption(escape(found.name))
                else:
                    st.caption(f":material/delete: {escape(found.name)}  \n" + _("deleted since"))
    rest = images[_MOST_SHOWN:]
    if rest:
        with st.expander(_n("and {count} more", "and {count} more", len(rest))):
            st.text("\n".join(found.name for found in rest))
