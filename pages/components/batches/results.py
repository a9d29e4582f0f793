"""The parts of a batch: scores, what other thresholds would say, the table, and the files to take away."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pandas as pd
import streamlit as st

from core.access import ENGINEER
from core.batches.exports import STATE_NAMES
from core.batches.pictures import fetch_small_pictures
from core.batches.results import CHANGED, FAILED, WAITING, RowFilter, Thresholds, list_rows, load_scores
from core.errors import AppError
from core.i18n import N_
from core.inspections.terms import VERDICT_NAMES, VERDICTS
from core.registry.thresholds import check_thresholds
from pages.components.batches.score_chart import draw_scores
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, _n, defect_name, language, number
from pages.components.shared.screens import MEMORY_BANKS, link_to
from pages.components.shared.session import may, person, services, show_error
from pages.server.downloads import CSV, REJECTED, XLSX, batch_file_path
from pages.server.requests import app_path

if TYPE_CHECKING:
    from core.batches.overview import BatchView
    from core.batches.results import BatchRow, Order, ScoreList

_LIVE_EVERY_S = 3.0
_PAGE_ROWS = 50
_ROW_PX = 58
_PICTURES = "batch_pictures"
_MOST_PICTURES = 600
_NO_HOST = "http://localhost"  # where a page runs without a browser
_MARKS = {"ok": "●", "review": "▲", "reject": "■"}
_ORDERS: dict[Order, str] = {
    "place": N_("In the order of the files"),
    "highest": N_("Highest score first"),
    "lowest": N_("Lowest score first"),
    "name": N_("By name"),
}


def show_results(batch: BatchView) -> None:
    """Draw the results; while the batch waits or runs, anew every few seconds."""
    if batch.is_over:
        st.fragment(_show_results)(batch)
    else:
        st.fragment(_show_results, run_every=_LIVE_EVERY_S)(batch)


def _show_results(batch: BatchView) -> None:
    job_id = batch.job.id
    try:
        scores = load_scores(services(), job_id)
        tried = _show_scores(batch, scores) if scores.scores else None
        _show_table(batch, tried)
    except AppError as error:
        show_error(error)
        return
    if scores.scores:
        _show_files(batch)


def _show_scores(batch: BatchView, scores: ScoreList) -> Thresholds | None:
    """Draw the histogram and, beside it, what other thresholds would say; return those where they are asked for."""
    left, right = st.columns([1.5, 1.1])
    with right:
        tried = _ask_thresholds(batch, scores)
    with left:
        alt = _("How many parts have which anomaly score, by verdict")
        show_chart(draw_scores(scores, tried), key=f"batch_scores_{batch.job.id}", alt=alt)
        if scores.is_mixed:
            st.caption(
                _(
                    "The thresholds or the model changed while the batch ran; each part keeps those it was judged by. "
                    "The lines are those of the last part."
                )
            )
    return tried


def _ask_thresholds(batch: BatchView, scores: ScoreList) -> Thresholds | None:
    if scores.in_force is None or not st.toggle(
        _("Try other thresholds"),
        key=f"batch_try_{batch.job.id}",
        help=_("Judges the kept scores anew. Nothing is inspected again, and nothing is stored."),
    ):
        return None
    first, second = st.columns(2)
    review_at = first.number_input(
        _("Review from"),
        value=scores.in_force.review_at,
        min_value=0.0,
        step=_step(scores.in_force),
        format="%.4g",
        key=f"batch_review_{batch.job.id}",
    )
    reject_at = second.number_input(
        _("NG from"),
        value=scores.in_force.reject_at,
        min_value=0.0,
        step=_step(scores.in_force),
        format="%.4g",
        key=f"batch_reject_{batch.job.id}",
    )
    try:
        check_thresholds(review_at, reject_at)
    except AppError as error:
        show_error(error)
        return None
    tried = Thresholds(review_at, reject_at)
    before, after = scores.count(), scores.count(tried)
    lines = [
        f"| {_('Verdict')} | {_('Then')} | {_('Under these')} | {_('Difference')} |",
        "| --- | ---: | ---: | ---: |",
    ]
    for verdict in VERDICTS:
        change = after[verdict] - before[verdict]
        told = f"{change:+,d}" if change else ""
        lines.append(
            f"| {_(VERDICT_NAMES[verdict])} | {number(before[verdict])} | **{number(after[verdict])}** | {told} |"
        )
    st.markdown("\n".join(lines))
    changed = scores.count_changed(tried)
    st.caption(_n("{count} part would have another verdict.", "{count} parts would have another verdict.", changed))
    if may(ENGINEER):
        link_to(MEMORY_BANKS, _("Save thresholds: at the version in use"))
    return tried


def _step(in_force: Thresholds) -> float:
    """Return a step that moves a threshold by about a fiftieth."""
    return float(f"{max(in_force.reject_at, 1e-6) / 50:.1g}")


def _show_table(batch: BatchView, tried: Thresholds | None) -> None:
    job_id = batch.job.id
    kinds = {"": _("All"), **{verdict: _(VERDICT_NAMES[verdict]) for verdict in VERDICTS}}
    if tried is not None:
        kinds[CHANGED] = _("Would change")
    if batch.n_failed or not batch.is_over:
        kinds[FAILED] = _("Refused")
    if batch.n_waiting or not batch.is_over:
        kinds[WAITING] = _("Not inspected") if batch.is_over else _("Waiting")
    key = f"batch_kind_{job_id}"
    if st.session_state.get(key) not in kinds:
        st.session_state[key] = ""
    narrow, search, order = st.columns([3.2, 1.1, 1.1], vertical_alignment="bottom")
    kind = narrow.segmented_control(
        _("Show"), list(kinds), key=key, required=True, format_func=lambda found: kinds[found]
    )
    name = search.text_input(_("File name"), key=f"batch_name_{job_id}", placeholder=_("Part of the name"))
    chosen = order.selectbox(
        _("Sort"), list(_ORDERS), key=f"batch_order_{job_id}", format_func=lambda found: _(_ORDERS[found])
    )
    wanted = RowFilter(kind or "", name, chosen, tried)
    page = _page(job_id, wanted)
    rows, total = list_rows(services(), job_id, wanted, offset=page * _PAGE_ROWS, limit=_PAGE_ROWS)
    if not rows:
        st.info(_("No part of this batch fits what is chosen here."), icon=":material/filter_list_off:")
        return
    frame = _frame(rows, tried)
    st.dataframe(
        frame,
        key=f"batch_rows_{job_id}",
        hide_index=True,
        row_height=_ROW_PX,
        height=min(len(rows), 9) * _ROW_PX + 40,
        column_config=_column_config(frame, failed=kind == FAILED),
        placeholder="",
        alt=_("The parts of the batch with picture, verdict and score"),
    )
    _show_pages(job_id, page, total)


def _page(job_id: int, wanted: RowFilter) -> int:
    """Return the page that is looked at, from 0 on; another choice of rows begins at the first."""
    key = f"batch_page_{job_id}"
    seen, page = st.session_state.get(key, (wanted, 0))
    page = page if seen == wanted else 0
    st.session_state[key] = (wanted, page)
    return int(page)


def _show_pages(job_id: int, page: int, total: int) -> None:
    last = (total - 1) // _PAGE_ROWS
    first = page * _PAGE_ROWS
    key = f"batch_page_{job_id}"

    def turn(to: int) -> None:
        st.session_state[key] = (st.session_state[key][0], to)

    with st.container(horizontal=True, vertical_alignment="center", key=f"batch_pages_{job_id}"):
        until = min(total, first + _PAGE_ROWS)
        st.caption(
            _("{first}–{last} of {total}", first=number(first + 1), last=number(until), total=number(total)),
            width="content",
        )
        if last > 0:
            for label, icon, to, stop in (
                (_("Previous"), ":material/chevron_left:", page - 1, page == 0),
                (_("Next"), ":material/chevron_right:", page + 1, page >= last),
            ):
                st.button(label, key=f"batch_turn_{job_id}_{icon}", icon=icon, disabled=stop, on_click=turn, args=(to,))


def _frame(rows: list[BatchRow], tried: Thresholds | None) -> pd.DataFrame:
    pictures = _read_pictures([row.thumbnail_key for row in rows if row.thumbnail_key])
    table: dict[str, list[Any]] = {
        "place": [row.place + 1 for row in rows],
        "picture": [pictures.get(row.thumbnail_key) for row in rows],
        "name": [", ".join(_shown_name(name) for name in row.names) for row in rows],
        "verdict": [_mark(row.verdict) if row.verdict else _(STATE_NAMES[row.state]) for row in rows],
        "tried": [_mark(row.judge(tried)) if tried and row.score is not None else "" for row in rows],
        "score": [row.score for row in rows],
        "type": [_type(row) for row in rows],
        "serial": [row.serial for row in rows],
        "open": [_address(row.inspection_id) for row in rows],
        "reason": [_reason(row) for row in rows],
    }
    return pd.DataFrame(table)


def _column_config(frame: pd.DataFrame, *, failed: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "place": st.column_config.NumberColumn(_("No."), width=56, format="%d"),
        "picture": st.column_config.ImageColumn(_("Picture"), width=80),
        "name": st.column_config.TextColumn(_("File"), width="medium"),
        "verdict": st.column_config.TextColumn(_("Verdict"), width=104),
        "tried": st.column_config.TextColumn(_("Under these"), width=104),
        "score": st.column_config.NumberColumn(_("Score"), width=84, format="%.4g"),
        "type": st.column_config.TextColumn(_("Defect type"), width=130),
        "serial": st.column_config.TextColumn(_("Serial number"), width=120),
        "open": st.column_config.LinkColumn(_("Inspection"), width=92, display_text=_("See it")),
        "reason": st.column_config.TextColumn(_("Reason"), width="large"),
    }
    if failed:
        # What was refused has a reason, and nothing else to tell.
        for name in ("picture", "score", "type", "serial", "open", "tried"):
            columns[name] = None
    for name in ("tried", "serial", "reason"):
        if not any(frame[name]):
            columns[name] = None
    return columns


def _shown_name(name: str) -> str:
    """Return the name with its folders behind it: names are told apart by their own part, not by where they lie."""
    folder, _slash, own = name.rpartition("/")
    return f"{own}  ({folder})" if folder else own


def _reason(row: BatchRow) -> str:
    """Return why a file was refused, without its name, which stands in the same line."""
    sentence = row.error.sentence(language()) if row.error is not None else ""
    return sentence.removeprefix(f"{row.name.rpartition('/')[2]}: ")


def _mark(verdict: str) -> str:
    return f"{_MARKS[verdict]} {_(VERDICT_NAMES[verdict])}"


def _type(row: BatchRow) -> str:
    if row.defect_type is None:
        return ""
    return defect_name(row.defect_type) if row.is_confirmed else f"{defect_name(row.defect_type)} ?"


def _address(inspection_id: int | None) -> str | None:
    """Return where the inspection is opened: in the role of this tab, where roles can be tried."""
    if inspection_id is None:
        return None
    role = f"&role={person().role}" if services().settings.auth == "open" else ""
    # With the host: the table takes no other address for a link.
    return urljoin(st.context.url or _NO_HOST, f"{app_path('/')}?inspection={inspection_id}{role}")


def _read_pictures(keys: list[str]) -> dict[str, str]:
    """Return small pictures as addresses that hold them, by key; kept in the session, so that each is read once."""
    kept: dict[str, str] = st.session_state.setdefault(_PICTURES, {})
    missing = [key for key in keys if key not in kept]
    for key, data in fetch_small_pictures(services(), missing).items():
        kept[key] = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    while len(kept) > _MOST_PICTURES:
        del kept[next(iter(kept))]
    return kept


def _show_files(batch: BatchView) -> None:
    zone = st.context.timezone or "UTC"
    files = (
        (CSV, _("CSV"), ":material/csv:", _("The whole table, for any spreadsheet")),
        (XLSX, _("Excel with pictures"), ":material/table_view:", _("The whole table with small pictures")),
        (REJECTED, _("NG parts (ZIP)"), ":material/folder_zip:", _("The images found NG, with the places that differ")),
    )
    with st.container(horizontal=True, key=f"batch_files_{batch.job.id}"):
        for name, label, icon, told in files:
            path = batch_file_path(batch.job.id, name, language=language(), zone=zone)
            st.link_button(
                label, path, icon=icon, help=told, disabled=name == REJECTED and not batch.verdicts["reject"]
            )
