"""What is in a dataset version, and what speaks against learning and measuring by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.datasets.wording import describe_warnings
from core.errors import describe
from core.images.domains import DOMAINS
from pages.components.comparing.wording import ProductWords
from pages.components.datasets.naming import name_splits
from pages.components.images.domains import name_domain
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, _n, escape, language, number

if TYPE_CHECKING:
    from core.datasets.records import DatasetHead
    from core.datasets.report_records import DatasetReport
    from core.datasets.splits import Split

# Okabe and Ito: told apart with every kind of color vision.
_COLORS = {"train": "#0072b2", "val": "#e69f00", "test": "#009e73"}
_MOST_BARS = 40


def show_report(head: DatasetHead, words: ProductWords) -> None:
    """Show in short what is in a version, and what speaks against measuring by it."""
    report = head.report
    show_broken(head)
    splits = name_splits()
    counts = " · ".join(f"{name} {number(report.count(split))}" for split, name in splits.items())
    parts = _n("{count} part", "{count} parts", sum(report.parts.values()))
    with st.expander(f"{counts} · {parts}", icon=":material/dataset:", key=f"compare_report_{head.id}"):
        show_counts(report, words)
        st.caption(_("Split by part · seed {seed} · hash {digits}", seed=head.rule.seed, digits=head.content_hash[:12]))
    show_warnings(head)


def show_broken(head: DatasetHead) -> None:
    """Say why a version cannot be used any more, where it cannot."""
    if head.broken_reason:
        st.error(describe(head.broken_reason, {"number": head.number}, language()), icon=":material/link_off:")


def show_counts(report: DatasetReport, words: ProductWords) -> None:
    """Draw the table of images by label and split."""
    st.table(
        {
            _("Type"): [escape(words.label(label)) for label in report.labels],
            **{
                name: [number(report.counts.get(split, {}).get(label, 0)) for label in report.labels]
                for split, name in name_splits().items()
            },
        },
        border="horizontal",
        hide_index=True,
    )


def show_warnings(head: DatasetHead) -> None:
    """Say what speaks against a version."""
    for text in describe_warnings(head.report, language()):
        st.caption(f":material/info: {escape(text)}")


def show_charts(report: DatasetReport, words: ProductWords) -> None:
    """Draw the images by label and by domain, each divided into its splits."""
    labels = list(report.labels)
    shown = sorted(labels, key=lambda label: -sum(own.get(label, 0) for own in report.counts.values()))[:_MOST_BARS]
    shown = [label for label in labels if label in shown]
    st.markdown(f"**{_('Images by type and split')}**")
    _draw(
        [words.label(label) for label in shown],
        {split: [report.counts.get(split, {}).get(label, 0) for label in shown] for split in name_splits()},
        key="dataset_chart_labels",
        title=_("Images by type and split"),
    )
    if len(shown) < len(labels):
        st.caption(
            _n("{count} further type is not drawn.", "{count} further types are not drawn.", len(labels) - len(shown))
        )
    domains = [domain for domain in (*DOMAINS, "") if report.count_domains().get(domain)]
    if domains and domains != [""]:
        st.markdown(f"**{_('Images by where they were taken')}**")
        _draw(
            [name_domain(domain) for domain in domains],
            {split: [report.domains.get(split, {}).get(domain, 0) for domain in domains] for split in name_splits()},
            key="dataset_chart_domains",
            title=_("Images by where they were taken"),
        )


def show_facts(head: DatasetHead) -> None:
    """Draw the other figures of a version as a table."""
    report, rule = head.report, head.rule
    sizes = ", ".join(
        f"{one.width_px}×{one.height_px} ({number(one.count)})"
        if one.width_px
        else _n("{count} of other sizes", "{count} of other sizes", one.count)
        for one in report.sizes
    )
    facts = [
        (
            _("Parts"),
            " · ".join(f"{name} {number(report.parts.get(split, 0))}" for split, name in name_splits().items()),
        ),
        (_("Largest to smallest class"), "–" if report.imbalance is None else f"{number(report.imbalance, 1)} : 1"),
        (_("Sizes in pixels"), sizes or "–"),
        (_("The same pixel by pixel"), number(report.duplicates)),
        (_("Nearly the same in another split"), number(report.near_copies)),
        (_("Parts that were in several splits"), number(report.leaks)),
        (_("Good images without a kind"), number(report.unlabeled)),
        (_("Defects without a mask"), number(report.unmarked)),
        (_("Labels with fewer than {count} training images", count=rule.least_images), number(len(report.few))),
        (_("Split"), _("by part, seed {seed}", seed=rule.seed)),
        (_("Hash"), head.content_hash[:16]),
    ]
    st.table(
        {
            _("Figure"): [escape(name) for name, _value in facts],
            _("Value"): [escape(value) for _name, value in facts],
        },
        border="horizontal",
        hide_index=True,
    )


def _draw(names: list[str], counts: dict[Split, list[int]], *, key: str, title: str) -> None:
    import html

    import plotly.graph_objects as go

    # Numbered places and not names: two types of one name must stay two bars.
    places = list(range(len(names)))
    said = [html.escape(name, quote=False) for name in names]
    figure = go.Figure()
    for split, name in name_splits().items():
        figure.add_bar(
            y=places, x=counts[split], name=name, orientation="h", marker_color=_COLORS[split],
            customdata=said, hovertemplate="%{customdata}: %{x:,}",
        )  # fmt: skip
    figure.update_layout(
        barmode="stack",
        height=80 + 22 * len(names),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        yaxis={
            "tickvals": places, "ticktext": said, "autorange": "reversed", "fixedrange": True, "automargin": True,
        },
        xaxis={"fixedrange": True, "rangemode": "tozero"},
    )  # fmt: skip
    totals = [sum(counts[split][place] for split in counts) for place in places]
    show_chart(figure, key=key, alt=f"{title}. " + "; ".join(f"{n} {t}" for n, t in zip(names, totals, strict=True)))
