"""The result of a study: the verdict in words, what to do next, the figures with their charts and tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.gauge.advice import describe
from core.gauge.evaluation import evaluate
from core.gauge.records import Study
from core.gauge.terms import (
    ACCEPTABLE,
    FEWEST_CATEGORIES,
    GRADE_NAMES,
    GRR_LIMITS,
    MARGINAL,
    NOT_ACCEPTABLE,
    REFERENCE_NAMES,
    RUNNING,
)
from core.gauge.variance import COMPONENT_NAMES, GRR, SOURCE_NAMES
from core.gauge.wording import (
    INTERIM,
    NO_SCORES_YET,
    NO_VERDICTS_YET,
    name_appraiser,
    name_setup,
    phrase,
    write_interval,
    write_kappa,
    write_p,
    write_share,
)
from core.reports.gauge_report import make_gauge_report
from core.reports.gauge_workbook import make_gauge_workbook
from core.reports.tables import XLSX_TYPE
from pages.components.analysis.gauge import charts
from pages.components.shared.charts import show_chart
from pages.components.shared.language import _, escape, language, number, percent, score, time_zone
from pages.components.shared.noted_downloads import noted
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.gauge.results import AgreementResult, Evaluation, ScoreResult

_GRADES = {
    ACCEPTABLE: (":material/check_circle:", "green"),
    MARGINAL: (":material/warning:", "orange"),
    NOT_ACCEPTABLE: (":material/cancel:", "red"),
}


def show_result_step(study: Study) -> None:
    """Draw what the study has found so far."""
    found = evaluate(services(), study.id)
    if study.state == RUNNING and not study.is_complete:
        st.info(
            _(
                INTERIM,
                taken=number(study.n_taken),
                pictures=number(len(study.trials)),
                rated=number(study.n_rated),
                ratings=number(study.n_ratings),
            ),
            icon=":material/hourglass_top:",
        )
    _show_verdict(found)
    if study.studies_score:
        st.subheader(_("The score as a measurement"))
        if found.score is None:
            st.caption(_(NO_SCORES_YET))
        else:
            _show_score(found.score, study)
    if study.studies_verdict:
        st.subheader(_("The verdicts"))
        if found.agreement is None:
            st.caption(_(NO_VERDICTS_YET))
        else:
            _show_agreement(found.agreement, study)
    _show_downloads(study)


def _show_verdict(found: Evaluation) -> None:
    grade = found.grade
    advice = describe(found)
    if grade is None and not advice:
        return
    with st.container(border=True, key="gauge_verdict"):
        if grade is not None:
            icon, color = _GRADES[grade]
            st.markdown(f"## :{color}[{icon} {_(GRADE_NAMES[grade])}]")
        means = [one for one in advice if not one.is_todo]
        todo = [one for one in advice if one.is_todo]
        st.markdown("\n".join(f"- {escape(phrase(one, found.study, _))}" for one in means))
        if todo:
            st.markdown(f"**{_('What to do next')}**")
            st.markdown("\n".join(f"- {escape(phrase(one, found.study, _))}" for one in todo))


def _show_score(result: ScoreResult, study: Study) -> None:
    variance = result.variance
    grr = variance.components[GRR]
    first, second, third = st.columns(3)
    _metric(first, _("GRR of the total variation"), percent(grr.of_variation), result.grr_grade, _limits(GRR_LIMITS))
    _metric(
        second,
        _("Distinct categories (ndc)"),
        "∞" if variance.categories is None else str(variance.categories),
        result.categories_grade,
        _("at least {count}", count=FEWEST_CATEGORIES),
    )
    _metric(
        third,
        _("GRR of the Review band"),
        "–" if grr.of_tolerance is None else percent(grr.of_tolerance),
        result.tolerance_grade,
        _limits(GRR_LIMITS),
    )
    by_part, shares, ranges, means = st.tabs([_("By part"), _("Shares"), _("Range chart"), _("Mean chart")])
    with by_part:
        show_chart(charts.draw_scores(result, study), key="gauge_scores", alt=_("Scores of each part, by setup"))
        st.caption(_("Each point is one look. Points of one part should lie together, and not around a threshold."))
    with shares:
        show_chart(charts.draw_components(result), key="gauge_shares", alt=_("Shares of the variation"))
        st.caption(
            _("Shares are of standard deviations and do not add up to 100 %. Up to 10 % is good, above 30 % is not.")
        )
    with ranges:
        show_chart(charts.draw_ranges(result, study), key="gauge_ranges", alt=_("Range of each part at each setup"))
        st.caption(_("A range above the limit: those repeats were not taken like the others."))
    with means:
        show_chart(charts.draw_means(result, study), key="gauge_means", alt=_("Mean of each part at each setup"))
        st.caption(
            _(
                "Within the band the measuring cannot tell parts apart. {share} of the means lie outside; half or more "
                "is wanted.",
                share=percent(variance.share_means_beyond),
            )
        )
    with st.expander(_("Tables: shares, analysis of variance, scores"), icon=":material/table:"):
        st.dataframe(_component_rows(result), hide_index=True, width="stretch")
        st.dataframe(_anova_rows(result), hide_index=True, width="stretch")
        if variance.interaction_p is not None:
            st.caption(
                _(
                    "Part × setup was left out of the model, because its F test gives p = {p} (limit 0.25).",
                    p=f"{variance.interaction_p:.3f}",
                )
                if variance.is_pooled
                else _("Part × setup stays in the model: its F test gives p = {p} (limit 0.25).",
                       p=f"{variance.interaction_p:.3f}")
            )  # fmt: skip
        st.dataframe(_score_rows(result, study), hide_index=True, width="stretch")


def _show_agreement(result: AgreementResult, study: Study) -> None:
    if study.with_model:
        st.caption(_("The model stops a part by Review as by NG: neither passes by itself. People say OK or NG."))
    st.dataframe(_appraiser_rows(result, study), hide_index=True, width="stretch")
    st.caption(
        _(
            "Limits by AIAG MSA: effectiveness from 90 % (conditionally 80 %), misses up to 2 % (5 %), false alarms up "
            "to 5 % (10 %), kappa from 0.75. In brackets behind kappa: 95 % interval, by drawing parts anew."
        )
    )
    shares, by_part = st.tabs([_("By appraiser"), _("By part")])
    with shares:
        show_chart(
            charts.draw_appraisers(result, study), key="gauge_appraisers", alt=_("Share of parts judged rightly")
        )
    with by_part:
        show_chart(charts.draw_looks(result, study), key="gauge_looks", alt=_("How often each part was stopped"))
        st.caption(_("How many looks stopped the part, of how many. Parts that not everybody judges alike come first."))
    with st.expander(_("Tables: pairs, parts"), icon=":material/table:"):
        facts = [(_("All looks together (Fleiss)"), write_kappa(result.between))]
        facts += [
            (
                f"{name_appraiser(pair.first, study, _)} – {name_appraiser(pair.second, study, _)} (Cohen)",
                write_kappa(pair.kappa),
            )
            for pair in result.pairs
        ]
        st.dataframe(
            [{_("Agreement"): name, _("Kappa (95 % interval)"): kappa} for name, kappa in facts],
            hide_index=True,
            width="stretch",
        )
        st.dataframe(_look_rows(result, study), hide_index=True, width="stretch")


def _show_downloads(study: Study) -> None:
    options: dict[str, Any] = {"language": language(), "zone": time_zone()}
    with st.container(horizontal=True):
        st.download_button(
            _("Report (PDF)"),
            data=noted(
                partial(make_gauge_report, services(), study.id, **options),
                "gauge_study",
                subject_type="gauge_study",
                subject_id=study.id,
                form="pdf",
            ),
            file_name=f"gauge_study_{study.id}_{language()}.pdf",
            mime="application/pdf",
            key="gauge_pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
        )
        st.download_button(
            _("Raw data (Excel)"),
            data=noted(
                partial(make_gauge_workbook, services(), study.id, **options),
                "gauge_study",
                subject_type="gauge_study",
                subject_id=study.id,
                form="xlsx",
            ),
            file_name=f"gauge_study_{study.id}_{language()}.xlsx",
            mime=XLSX_TYPE,
            key="gauge_xlsx",
            icon=":material/table_view:",
            on_click="ignore",
        )


def _metric(column: Any, label: str, value: str, grade: str | None, limits: str) -> None:
    with column:
        st.metric(label, value)
        if grade is not None:
            icon, color = _GRADES[grade]
            st.badge(_(GRADE_NAMES[grade]), icon=icon, color=color)  # type: ignore[arg-type]
        st.caption(limits)


def _limits(limits: tuple[float, float]) -> str:
    return _("good up to {first}, conditionally up to {second}", first=f"{limits[0]:.0%}", second=f"{limits[1]:.0%}")


def _component_rows(result: ScoreResult) -> list[dict[str, Any]]:
    return [
        {
            _("Source of variation"): _(COMPONENT_NAMES[one.name]),
            _("Standard deviation"): score(one.sigma),
            "6 σ": score(6 * one.sigma),
            _("% of total variation"): percent(one.of_variation),
            _("% contribution"): percent(one.contribution),
            _("% of the Review band"): "–" if one.of_tolerance is None else percent(one.of_tolerance),
        }
        for one in result.variance.components.values()
    ]


def _anova_rows(result: ScoreResult) -> list[dict[str, Any]]:
    return [
        {
            _("Source of variation"): _(SOURCE_NAMES[row.source]),
            _("DF"): row.df,
            _("Sum of squares"): f"{row.ss:.6g}",
            _("Mean square"): f"{row.ms:.6g}",
            "F": "" if row.f is None else f"{row.f:.3f}",
            "p": write_p(row.p),
        }
        for row in result.variance.rows
    ]


def _score_rows(result: ScoreResult, study: Study) -> list[dict[str, Any]]:
    rows = []
    for place, part in enumerate(result.parts):
        row: dict[str, Any] = {_("Part name"): part.name}
        for setup in range(len(study.setups)):
            for repeat in range(study.n_pictures):
                row[f"{name_setup(study, setup, _)} · {repeat + 1}"] = float(
                    result.variance.scores[place, setup, repeat]
                )
        rows.append(row | {_("Mean"): float(result.variance.part_means[place])})
    return rows


def _appraiser_rows(result: AgreementResult, study: Study) -> list[dict[str, Any]]:
    return [
        {
            _("Appraiser"): name_appraiser(one, study, _),
            _("Grade"): _(GRADE_NAMES[one.grade]) if one.grade is not None else "–",
            _("Always right (effectiveness)"): write_share(one.right),
            _("95 % interval"): write_interval(one.right),
            _("Missed defects"): write_share(one.missed),
            _("False alarms"): write_share(one.false_alarms),
            _("Always alike"): write_share(one.same),
            _("Kappa with itself"): write_kappa(one.within),
            _("Kappa with the truth"): write_kappa(one.against_reference),
        }
        for one in result.appraisers
    ]


def _look_rows(result: AgreementResult, study: Study) -> list[dict[str, Any]]:
    rows = []
    for one in result.looks:
        row: dict[str, Any] = {
            _("Part name"): one.part.name,
            _("What it really is"): _(REFERENCE_NAMES[one.part.reference]),
        }
        for appraiser, (stopped, looks) in zip(result.appraisers, one.stopped, strict=True):
            row[name_appraiser(appraiser, study, _)] = f"{stopped}/{looks}"
        if one.mean_score is not None:
            row[_("Mean score")] = one.mean_score
        rows.append(row)
    return rows
