"""The result of a comparison: figures with intervals, differences in words, curves, tables, files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.exports import CONTENT_TYPES, REPORT_NAME, RESULT_NAME, TABLE_NAME, make_file
from core.comparisons.subjects import SubjectFilter
from core.comparisons.wording import FIGURE_MEANINGS, FIGURE_NAMES, phrase_differences, phrase_price, rank_entries
from core.guidance.usage import PRICES_AS_OF
from core.i18n import N_
from pages.components.comparing.address import IMAGES, Look, query_of
from pages.components.comparing.charts import show_curves
from pages.components.comparing.tables import show_tables
from pages.components.comparing.wording import ProductWords, describe_figure
from pages.components.shared.language import _, escape, language, number, time_zone
from pages.components.shared.link_table import Cell, Target, show_link_table
from pages.components.shared.noted_downloads import noted
from pages.components.shared.screens import COMPARE_METHODS
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView
    from core.comparisons.results import ComparisonResult, EntryResult

_MOST_TOLD = 6
_FILE_TITLES: dict[str, str] = {
    REPORT_NAME: N_("Report (PDF)"),
    TABLE_NAME: N_("Figures (CSV)"),
    RESULT_NAME: N_("Everything (JSON)"),
}
# What stands in one column together.
_IN_TABLE = (("f1",), ("accuracy",), ("precision", "recall"), ("auroc",), ("macro_f1",), ("iou", "f1_at_50"))


def show_summary(comparison: ComparisonView, result: ComparisonResult, words: ProductWords) -> None:
    """Show everything that was measured."""
    names = words.entries(result.entries)
    ranked = rank_entries(result.entries)
    _show_failures(ranked, names)
    _show_figures(comparison, ranked, names)
    _show_differences(result, names)
    _show_alone(ranked, names, words)
    show_curves(result, words)
    show_tables(comparison, result, words)
    _show_files(comparison)


def _show_failures(ranked: list[EntryResult], names: dict[str, str]) -> None:
    for one in ranked:
        if one.errors and one.error is not None:
            reason = one.error.to_app_error().sentence(language())
            st.warning(
                _(
                    "{name}: {errors} of {n} without a prediction, counted as wrong. {reason}",
                    name=escape(names[one.key]),
                    errors=number(one.errors),
                    n=number(one.n),
                    reason=escape(reason),
                ),
                icon=":material/error:",
            )


def _show_figures(comparison: ComparisonView, ranked: list[EntryResult], names: dict[str, str]) -> None:
    there = [name for one in ranked for name in one.figures]
    shown = [own for group in _IN_TABLE if (own := [name for name in group if name in there])]
    columns = [
        (_("Compared method"), ""),
        *((" · ".join(_(FIGURE_NAMES[name]) for name in own), "number") for own in shown),
    ]
    columns += [(_("Images or parts"), "number"), (_("ms per image"), "number"), (_("Size"), "number")]
    is_paid = any(one.bill is not None for one in ranked)
    if is_paid:
        columns.append((_("USD per 1,000 images"), "number"))
    rows = []
    for one in ranked:
        look = Look(IMAGES, SubjectFilter(view=one.view, key=one.key))
        first = Cell(names[one.key], Target(COMPARE_METHODS, query_of(comparison.id, look)))
        times = "–" if one.ms_p50 is None or one.ms_p95 is None else f"{one.ms_p50:,.0f} ({one.ms_p95:,.0f})"
        size = "–" if not one.byte_size else f"{one.byte_size / 1e6:,.1f} MB"
        cells = [Cell(" · ".join(_short(one, name) for name in own)) for own in shown]
        price = one.price_per_1000_usd
        paid = [Cell("–" if price is None else f"{price:,.2f}")] if is_paid else []
        rows.append([first, *cells, Cell(number(one.n)), Cell(times), Cell(size), *paid])
    show_link_table(columns, rows, key="compare_figures", label=_("Figures of the methods"))  # type: ignore[arg-type]
    st.caption(
        _(
            "In brackets: 95% interval by bootstrap over parts; of the time, what 95% stay within. "
            "The best F1 stands first."
        )
    )
    for one in ranked:
        if one.bill is not None:
            st.caption(f":material/payments: {escape(names[one.key])}: {escape(phrase_price(one, _))}")
    if is_paid:
        st.caption(_("Prices in US dollars as of {when}; what is computed on this machine costs 0.", when=PRICES_AS_OF))
    with st.expander(_("What the figures mean"), icon=":material/help:"):
        st.markdown(
            "\n".join(f"- **{_(FIGURE_NAMES[name])}**: {_(FIGURE_MEANINGS[name])}" for name in FIGURE_NAMES)
            + "\n\n"
            + _("Thresholds come from validation images alone; an image without an answer counts as wrong.")
        )


def _short(one: EntryResult, name: str) -> str:
    """Return a figure; with its interval where that says most."""
    if name in {"f1", "auroc"}:
        return describe_figure(one.figures.get(name))
    value = one.value(name)
    return "–" if value is None else f"{value:.3f}"


def _show_differences(result: ComparisonResult, names: dict[str, str]) -> None:
    told = phrase_differences(result, names, _)
    st.markdown(f"**{_('Differences')}**")
    if not told:
        st.caption(_("Only methods that judged the same views are compared, and there are no two."))
        return
    st.markdown("\n".join(f"- {escape(text)}" for text in told[:_MOST_TOLD]))
    if len(told) > _MOST_TOLD:
        with st.expander(_("All differences ({count})", count=number(len(told))), icon=":material/difference:"):
            st.markdown("\n".join(f"- {escape(text)}" for text in told[_MOST_TOLD:]))


def _show_alone(ranked: list[EntryResult], names: dict[str, str], words: ProductWords) -> None:
    combined = [one for one in ranked if one.alone]
    if not combined:
        return
    st.markdown(f"**{_('What combining adds')}**")
    for one in combined:
        for view, alone in one.alone.items():
            st.caption(
                _(
                    "{name}: AUROC {both}, {view} alone {alone} on the same parts; gain {gain}",
                    name=escape(names[one.key]),
                    both=describe_figure(one.figures.get("auroc")),
                    view=escape(words.view(view)),
                    alone=describe_figure(alone.auroc),
                    gain=describe_figure(alone.gain),
                )
            )


def _show_files(comparison: ComparisonView) -> None:
    said, zone = language(), time_zone()
    with st.container(horizontal=True, key="compare_files"):
        for name in _FILE_TITLES:
            st.download_button(
                _(_FILE_TITLES[name]),
                data=noted(
                    partial(make_file, services(), comparison, name, language=said, zone=zone),
                    "comparison",
                    subject_type="comparison",
                    subject_id=comparison.id,
                    file=name,
                ),
                file_name=f"comparison_{comparison.id}_{name}",
                mime=CONTENT_TYPES[name],
                key=f"compare_file_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
