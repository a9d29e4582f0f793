"""The report of a period as an Excel workbook: real numbers and moments, Excel's own charts, pictures in cells."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.inspections.terms import ACTION_NAMES, THRESHOLD_METHODS
from core.reports.layout import Words
from core.reports.period import wording
from core.reports.period.pictures import draw_parts, encode_picture
from core.reports.period.sheets import Sheet, Sheets, Table

if TYPE_CHECKING:
    from core.reports.period.contents import NamedCounts, PeriodContents
    from core.transactions import HasStores

_PICTURE_PX = 110


def make_period_xlsx(services: HasStores, contents: PeriodContents) -> bytes:
    """Return the report as a workbook. Raises Unavailable when the object store fails."""
    import xlsxwriter

    words = wording.words_of(contents)
    pictures = {
        number: encode_picture(pixels) for number, pixels in draw_parts(services.objects, contents.parts).items()
    }
    out = io.BytesIO()
    title = wording.title_of(contents, words)
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    try:
        book.set_properties(
            {"title": f"{title} · {wording.name_period(contents.request.period, words)}", "author": "Geomsa"}
        )
        sheets = Sheets(book, contents.calendar.zone)
        _summary(sheets, contents, words, title)
        _chart(sheets, contents, words)
        _types(sheets, contents, words)
        _groups(sheets, contents, words)
        _rejected(sheets, contents, words, pictures)
        _actions(sheets, contents, words)
        _models(sheets, contents, words)
    finally:
        book.close()
    return out.getvalue()


def _summary(sheets: Sheets, contents: PeriodContents, words: Words, title: str) -> None:
    sheet = sheets.add(words._("Summary"), widths=(36, 24, 20, 20, 20))
    sheet.title(title)
    for name, value in wording.list_facts(contents, words):
        sheet.row([name, value])
    notes = wording.list_notes(contents, words)
    if notes:
        sheet.heading(words._("Notes"))
        for note in notes:
            sheet.row([note])
    sheet.heading(words._("Figures"))
    before = contents.request.before
    sheet.head([words._("Figure"), words._("This period"), words._("Period before"), words._("Difference")])
    for row in wording.list_figures(contents, words):
        # Times in hours: a number that can be reckoned with.
        scale = 3600.0 if row.kind == "time" else 1.0
        name = f"{row.name} ({words._('hours')})" if row.kind == "time" else row.name
        now, earlier = (None if one is None else one / scale for one in (row.value, row.before))
        change = None if now is None or earlier is None else now - earlier
        form = {"share": "0.00%", "time": "0.00"}.get(row.kind, "#,##0")
        sheet.row([name, now, earlier, change], number_format=form)
    if before is not None:
        sheet.row([words._("Period before: {period}", period=wording.name_period(before, words))])
    sheet.signatures([words._(name) for name in wording.SIGNATURES], words._("Date"))


def _chart(sheets: Sheets, contents: PeriodContents, words: Words) -> None:
    chart = contents.chart
    if contents.is_empty or not chart.points:
        return
    titles = {
        "hour": words._("Defect rate by hour"),
        "day": words._("Defect rate by day"),
        "week": words._("Defect rate by week"),
    }
    names = [
        words._("From"),
        words._("Inspections"),
        words._("NG"),
        words._("Defect rate"),
        words._("Center line"),
        words._("Lower limit"),
        words._("Upper limit"),
        words._("Outside the limits"),
    ]
    rows = [
        [
            point.start,
            point.n,
            point.n_reject,
            point.share,
            chart.center,
            point.lower,
            point.upper,
            words._("yes") if point.is_outside else "",
        ]
        for point in chart.points
    ]
    sheet = sheets.add(titles[chart.by], widths=(18, 12, 10, 12, 12, 12, 12, 18))
    formats: list[str] = ["", "#,##0", "#,##0", "0.00%", "0.00%", "0.00%", "0.00%", ""]
    table = sheet.table(names, rows, formats)
    sheet.row([wording.describe_limits(contents, words)])
    labels = [wording.name_sample(point.start, contents) for point in chart.points]
    sheet.line_chart(table, labels, title=titles[chart.by], axis=words._("Defect rate (%)"), columns=(3, 4, 5, 6))


def _types(sheets: Sheets, contents: PeriodContents, words: Words) -> None:
    types = list(zip(wording.name_types(contents, words), [one.count for one in contents.types], strict=True))
    causes = [(cause.text, cause.count) for cause in contents.causes]
    for heading, name, pairs in (
        (words._("Defects by type"), words._("Defect type"), types),
        (words._("Defects by cause"), words._("Likely cause"), causes),
    ):
        if not pairs:
            continue
        total, running, rows = sum(count for _name, count in pairs), 0, []
        for label, count in pairs:
            running += count
            rows.append([label, count, running / total])
        sheet = sheets.add(heading, widths=(40, 12, 18))
        names = [name, words._("Count"), words._("Cumulative share")]
        table = sheet.table(names, rows, ["", "#,##0", "0.0%"])
        sheet.pareto_chart(table, title=heading, total=total)


def _groups(sheets: Sheets, contents: PeriodContents, words: Words) -> None:
    for heading, name, groups in (
        (words._("By product"), words._("Product"), contents.products),
        (words._("By line"), words._("Line"), contents.lines),
        (words._("By shift"), words._("Shift"), contents.shifts),
    ):
        if groups:
            sheet = sheets.add(heading, widths=(36, 12, 12, 12, 12, 14, 12))
            table = _group_table(sheet, name, groups, words)
            sheet.bar_chart(table, title=f"{heading} · {words._('Defect rate')}", column=5)


def _group_table(sheet: Sheet, name: str, groups: Sequence[NamedCounts], words: Words) -> Table:
    names = [
        name,
        words._("Inspections"),
        words._("OK"),
        words._("Review"),
        words._("NG"),
        words._("Defect rate"),
        words._("Verdicts changed by people"),
    ]
    rows = [
        [
            wording.name_group(words.product(group), words),
            group.counts.n,
            group.counts.ok,
            group.counts.review,
            group.counts.reject,
            group.counts.defect_rate,
            group.counts.overridden,
        ]
        for group in groups
    ]
    return sheet.table(names, rows, ["", "#,##0", "#,##0", "#,##0", "#,##0", "0.00%", "#,##0"])


def _rejected(sheets: Sheets, contents: PeriodContents, words: Words, pictures: dict[int, bytes]) -> None:
    if not contents.parts:
        return
    sheet = sheets.add(words._("First rejected parts"), widths=(16, 10, 18, 24, 24, 14, 14, 14, 18, 10, 10, 12, 30))
    names = [
        words._("Picture"),
        words._("No."),
        words._("Inspected"),
        words._("Product"),
        words._("Defect type"),
        words._("Confirmed"),
        words._("Line"),
        words._("Lot"),
        words._("Serial number"),
        words._("Score"),
        words._("NG from"),
        words._("Action"),
        words._("Note"),
    ]
    rows = [
        [
            pictures.get(part.id),
            part.id,
            part.created_at,
            words.product(part.product),
            words.defect(part.defect_type) if part.defect_type is not None else words._("not named"),
            words._("yes") if part.is_type_confirmed else words._("no"),
            part.line,
            part.lot,
            part.serial,
            part.score,
            part.reject_at,
            words._(ACTION_NAMES[part.action_status]),
            part.action_note,
        ]
        for part in contents.parts
    ]
    formats = ["", "0", "", "", "", "", "", "", "", "0.0000", "0.0000", "", ""]
    sheet.table(names, rows, formats, picture_px=_PICTURE_PX)


def _actions(sheets: Sheets, contents: PeriodContents, words: Words) -> None:
    found = contents.open_actions
    sheet = sheets.add(words._("Open actions"), widths=(14, 18, 14, 24, 24, 14, 14, 18, 40))
    sheet.row([words._("Age"), words._("Count")], bold=True)
    for name, count in zip(wording.name_ages(words), found.by_age, strict=True):
        sheet.row([name, count], number_format="#,##0")
    sheet.row([words._("All"), found.n], number_format="#,##0", bold=True)
    if not found.n:
        return
    said = words._("The {count} oldest of {total} are listed.", count=len(found.oldest), total=f"{found.n:,}")
    sheet.row([said] if found.n > len(found.oldest) else [""])
    names = [
        words._("No."),
        words._("Inspected"),
        f"{words._('Age')} ({words._('hours')})",
        words._("Product"),
        words._("Defect type"),
        words._("Line"),
        words._("Lot"),
        words._("Serial number"),
        words._("Note"),
    ]
    rows = [
        [
            action.id,
            action.created_at,
            action.age.total_seconds() / 3600.0,
            words.product(action.product),
            words.defect(action.defect_type) if action.defect_type is not None else words._("not named"),
            action.line,
            action.lot,
            action.serial,
            action.note,
        ]
        for action in found.oldest
    ]
    sheet.table(names, rows, ["0", "", "#,##0.0", "", "", "", "", "", ""])


def _models(sheets: Sheets, contents: PeriodContents, words: Words) -> None:
    if not contents.models:
        return
    sheet = sheets.add(words._("Models and thresholds"), widths=(26, 10, 34, 12, 12, 34, 18, 18, 12, 10, 34))
    names = [
        words._("Product"),
        words._("Version"),
        words._("Model"),
        words._("Review from"),
        words._("NG from"),
        words._("Method"),
        words._("First inspection"),
        words._("Last inspection"),
        words._("Inspections"),
        words._("Changed"),
        words._("Reason"),
    ]
    rows = [
        [
            words.product(model.product),
            model.number,
            wording.name_model(model.model_name, words),
            model.review_at,
            model.reject_at,
            words._(THRESHOLD_METHODS[model.method]) if model.method in THRESHOLD_METHODS else model.method,
            model.first_at,
            model.last_at,
            model.n,
            words._("yes") if model.is_change else "",
            model.reason,
        ]
        for model in contents.models
    ]
    sheet.table(names, rows, ["", "0", "", "0.0000", "0.0000", "", "", "", "#,##0", "", ""])
