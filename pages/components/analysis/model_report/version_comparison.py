"""Two versions on the same frozen test images: figures side by side, and the images that they judge differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import streamlit as st

from core.errors import AppError
from core.inspections.terms import VERDICT_NAMES
from core.model_report.comparison import compare
from core.model_report.reading import list_reports
from core.registry.thresholds import find_threshold
from pages.components.analysis.model_report.cell_images import open_images
from pages.components.analysis.model_report.choice import name_version
from pages.components.analysis.model_report.measuring import offer_measurement
from pages.components.analysis.model_report.words import (
    describe_difference,
    describe_interval,
    describe_rate,
    name_types,
)
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, escape, number, score
from pages.components.shared.session import services, show_error
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.model_report.comparison_records import Disagreement, Side, VersionComparison
    from core.model_report.records import ModelReport
    from storage.tables import ModelVersion

_KEPT = "version_comparison"
_COLUMNS = 5
_PAGE_SIZE = 10


def show_comparison(report: ModelReport, versions: Sequence[ModelVersion]) -> None:
    """Let another version be chosen, and show both on the images that both were measured on."""
    version_id = report.head.version_id
    others = {version.id: name_version(version) for version in versions if version.id != version_id}
    if not others:
        st.info(_("This product has one version: there is nothing to compare it with."), icon=":material/compare:")
        return
    other_id = st.selectbox(
        _("Compare version {number} with", number=report.head.number),
        list(others),
        key=f"report_compare_{version_id}",
        format_func=lambda found: others[found],
    )
    try:
        found = _compare(report, other_id)
    except AppError as error:
        show_error(error)
        if error.code == "report_not_measured":
            offer_measurement(other_id, label=_("Measure now"), primary=True)
        return
    st.caption(_describe_scope(found))
    _show_figures(found)
    left, right = st.columns(2)
    with left:
        _show_confusion(found.a)
    with right:
        _show_confusion(found.b)
    _show_disagreements(report, found)


def _compare(report: ModelReport, other_id: int) -> VersionComparison:
    """Return the comparison; the last one of this session again, where nothing has changed that it stands on.

    Raises AppError.
    """
    version_id = report.head.version_id
    measured = {one.head.version_id: one.measured_at for one in list_reports(services(), report.head.product_id)}
    in_force = find_threshold(services(), other_id).id
    stands_on = (version_id, other_id, report.in_force.id, in_force, report.measured_at, measured.get(other_id))
    kept = st.session_state.get(_KEPT)
    if isinstance(kept, tuple) and kept[0] == stands_on:
        return cast("VersionComparison", kept[1])
    with st.spinner(_("Comparing …"), show_time=True):
        found = compare(services(), version_id, other_id)
    st.session_state[_KEPT] = (stands_on, found)
    return found


def _describe_scope(found: VersionComparison) -> str:
    parts = [_n("{count} image in both", "{count} images in both", found.n_common)]
    parts.append(_n("{count} part", "{count} parts", found.n_parts))
    for side, left_out in ((found.a, found.n_only_a), (found.b, found.n_only_b)):
        if left_out:
            words = _n("{count} image only in version {number}", "{count} images only in version {number}", left_out,
                       number=side.head.number)  # fmt: skip
            parts.append(words)
    if found.n_relabeled:
        parts.append(
            _n("{count} image re-labelled since", "{count} images re-labelled since", found.n_relabeled)
            + " "
            + _("(left out)")
        )
    return " · ".join(parts)


def _show_figures(found: VersionComparison) -> None:
    a, b = found.a, found.b
    rows = [
        (_("Image AUROC"), describe_interval(a.auroc), describe_interval(b.auroc), found.auroc, False),
        (
            _("Missed defects"),
            describe_rate(a.confusion.escape),
            describe_rate(b.confusion.escape),
            found.escape,
            True,
        ),
        (_("Good parts stopped"), _stopped(a), _stopped(b), found.stopped_good, True),
        (
            _("Good parts judged NG"),
            describe_rate(a.confusion.overkill),
            describe_rate(b.confusion.overkill),
            None,
            True,
        ),
        (_("Review from"), score(a.in_force.review_at), score(b.in_force.review_at), None, False),
        (_("NG from"), score(a.in_force.reject_at), score(b.in_force.reject_at), None, False),
    ]
    st.table(
        {
            _("With 95% bounds"): [name for name, *_rest in rows],
            _("Version {number}", number=a.head.number): [row[1] for row in rows],
            _("Version {number}", number=b.head.number): [row[2] for row in rows],
            _("Difference"): [
                describe_difference(row[3], in_percent=row[4]) if row[3] is not None else "–" for row in rows
            ],
        },
        border="horizontal",
        hide_index=True,
    )
    st.caption(
        _(
            "Each version at its own thresholds in force. A difference whose bounds lie on both sides of 0 may be "
            "chance; so may one with p above 0.05 (McNemar's test)."
        )
    )


def _stopped(side: Side) -> str:
    good = side.confusion.good
    return f"{number(good.review + good.reject)} / {number(good.ok + good.review + good.reject)}"


def _show_confusion(side: Side) -> None:
    rows = ((_("Good parts"), side.confusion.good), (_("Defects"), side.confusion.defect))
    st.markdown(f"**{_('Version {number}', number=side.head.number)}**")
    st.table(
        {
            _("In truth"): [name for name, _counts in rows],
            **{
                label_of(VERDICT_NAMES, verdict): [number(getattr(counts, verdict)) for _name, counts in rows]
                for verdict in VERDICT_NAMES
            },
        },
        border="horizontal",
        hide_index=True,
    )


def _show_disagreements(report: ModelReport, found: VersionComparison) -> None:
    st.markdown(f"**{_('Judged differently')}** :gray-badge[{number(len(found.disagreements))}]")
    if not found.disagreements:
        st.success(_("Both judge every image alike."), icon=":material/check_circle:")
        return
    choices = {
        "a": _("Version {number} judges better", number=found.a.head.number),
        "b": _("Version {number} judges better", number=found.b.head.number),
    }
    counts = {side: sum(one.better == side for one in found.disagreements) for side in choices}
    shown_side = st.segmented_control(
        _("Show"),
        list(choices),
        key=f"report_better_{report.head.version_id}",
        default="a" if counts["a"] else "b",
        required=True,
        format_func=lambda side: f"{choices[side]} ({number(counts[side])})",
        label_visibility="collapsed",
    )
    # What matters first: defects, then the largest change of the score.
    wanted = sorted(
        (one for one in found.disagreements if one.better == shown_side),
        key=lambda one: (not one.image.is_defect, -abs(one.score_a - one.score_b)),
    )
    n_pages = -(-len(wanted) // _PAGE_SIZE)
    page = 1
    if n_pages > 1:
        key = f"report_differ_page_{report.head.version_id}_{shown_side}_{n_pages}"
        page = min(n_pages, int(st.pagination(n_pages, default=1, key=key) or 1))
    shown = wanted[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    thumbnails = read_thumbnails([one.image.thumbnail_key for one in shown if one.image.thumbnail_key])
    ids = [one.image.id for one in wanted]
    with st.container(key="gallery_report_differ"):
        for start in range(0, len(shown), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column:
                    _show_one(report, found, one, thumbnails.get(one.image.thumbnail_key), ids)


def _show_one(
    report: ModelReport, found: VersionComparison, one: Disagreement, thumbnail: bytes | None, ids: Sequence[int]
) -> None:
    names = name_types(report)
    show_thumbnail(thumbnail, alt=one.image.name)
    for side, verdict, value in ((found.a, one.verdict_a, one.score_a), (found.b, one.verdict_b, one.score_b)):
        color, icon = VERDICT_COLORS[verdict], VERDICT_ICONS[verdict]
        st.markdown(
            f"{_('Version {number}', number=side.head.number)}: "
            f":{color}[{icon} {label_of(VERDICT_NAMES, verdict)}] {score(value)}"
        )
    code = one.image.defect_type
    truth = _("Good part") if code is None else names.get(code, code)
    st.caption(f"{_('In truth: {truth}', truth=escape(truth))}  \n{escape(one.image.name)}")
    st.button(
        _("Look closely"),
        key=f"report_differ_{one.image.id}",
        icon=":material/zoom_in:",
        on_click=open_images,
        args=(
            report.head.version_id,
            ids,
            ids.index(one.image.id),
            (found.a.in_force.review_at, found.a.in_force.reject_at),
        ),
        width="stretch",
    )
