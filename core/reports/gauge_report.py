"""The report of a gauge study on paper: what an auditor asks for, from the plan to the raw data and the signatures."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from core.catalog.views import label_of
from core.gauge.advice import describe
from core.gauge.evaluation import evaluate
from core.gauge.terms import GRADE_NAMES, KIND_METHODS, REFERENCE_NAMES, RUNNING, STATE_NAMES
from core.gauge.variance import COMPONENT_NAMES, SOURCE_NAMES
from core.gauge.wording import (
    INTERIM,
    name_appraiser,
    name_setup,
    percent,
    phrase,
    score,
    write_interval,
    write_kappa,
    write_p,
    write_share,
)
from core.i18n import N_
from core.reports.font import register_fonts
from core.reports.gauge_drawings import Limit, draw_points, spread_points
from core.reports.gauge_tables import make_facts, make_grid, make_section, make_signatures, make_wide_grid
from core.reports.layout import TEXT_MM, Style, Words, build_document, make_paragraph, make_styles, make_table

if TYPE_CHECKING:
    from core.gauge.records import Study
    from core.gauge.results import AgreementResult, Evaluation, ScoreResult
    from core.transactions import HasDatabase

_GRADE_COLORS = {"acceptable": "#1b7f4d", "marginal": "#9a5b00", "not_acceptable": "#b3261e"}


def make_gauge_report(services: HasDatabase, study_id: int, *, language: str, zone: tzinfo | None = None) -> bytes:
    """Return the report as a PDF (A4) in `language`, moments in `zone`. Raises NotFound, NotReady without the font."""
    found = evaluate(services, study_id)
    register_fonts()
    words, style = Words(language, zone or UTC), make_styles()
    study = found.study
    title = words._("Gauge study no. {number}", number=study.id)
    parts = [
        *_head(found, words, style, title),
        *make_section(
            words._("Result"), [make_paragraph(f"• {text}", style.body) for text in _sentences(found, words)], style
        ),
        *make_section(words._("Plan"), [make_facts(_plan_facts(study, words), style)], style),
    ]
    if found.score is not None:
        parts += _score_parts(found.score, study, words, style)
    if found.agreement is not None:
        parts += _agreement_parts(found.agreement, study, words, style)
    parts += make_section(
        words._("Method"), [make_paragraph(text, style.small) for text in _method(found, words)], style
    )
    parts += make_signatures(words, style)
    return build_document(parts, title=f"{title} · {study.name}"[:90], words=words)


def _head(found: Evaluation, words: Words, style: Style, title: str) -> list[Any]:
    from reportlab.lib.colors import HexColor, white
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Spacer

    study = found.study
    told = [
        make_paragraph(title, style.title),
        make_paragraph(study.name, style.heading),
        make_paragraph(
            f"{words.product(study.product)} ({label_of(study.product.code, study.view)}) · "
            f"{words._(KIND_METHODS[study.kind])}",
            style.body,
        ),
        make_paragraph(
            f"{words._(STATE_NAMES[study.state])} · {words.moment(study.started_at)} – {words.moment(study.ended_at)}",
            style.small,
        ),
    ]
    if study.state == RUNNING and not study.is_complete:
        counts = {"taken": study.n_taken, "pictures": len(study.trials), "rated": study.n_rated}
        told.append(make_paragraph(words._(INTERIM, **counts, ratings=study.n_ratings), style.small))
    if found.grade is None:
        return [*told, Spacer(1, 6)]
    badge = ParagraphStyle("grade", parent=style.heading, textColor=white, alignment=1, spaceBefore=0, spaceAfter=2)
    box = make_table(
        [[make_paragraph(words._(GRADE_NAMES[found.grade]), badge)]],
        [46],
        ("BACKGROUND", (0, 0), (-1, -1), HexColor(_GRADE_COLORS[found.grade])),
    )
    return [make_table([[told, box]], [TEXT_MM - 50, 50]), Spacer(1, 6)]


def _sentences(found: Evaluation, words: Words) -> list[str]:
    return [phrase(one, found.study, words._) for one in describe(found)] or ["–"]


def _plan_facts(study: Study, words: Words) -> list[tuple[str, str]]:
    facts = [
        (words._("Purpose of the study"), study.purpose or "–"),
        (words._("Number of parts"), str(len(study.parts))),
        (words._("Setups"), ", ".join(name_setup(study, setup, words._) for setup in range(len(study.setups)))),
        (words._("Repeats"), str(study.n_repeats)),
        (words._("Appraisers"), ", ".join(one.name for one in study.appraisers) or "–"),
        (words._("Planned by"), words._(study.created_by) if study.created_by else "–"),
        (words._("Completed by"), words._(study.ended_by) if study.ended_by else "–"),
        (words._("Random order from"), str(study.seed)),
    ]
    if study.version_number is not None and study.review_at is not None and study.reject_at is not None:
        model = words._(
            "Memory bank version {number} (no. {id}), Review from {review_at}, NG from {reject_at}",
            number=study.version_number,
            id=study.version_id,
            review_at=score(study.review_at),
            reject_at=score(study.reject_at),
        )
        facts.append((words._("Model"), model))
    return facts


def _score_parts(result: ScoreResult, study: Study, words: Words, style: Style) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import KeepTogether

    variance, n_setups = result.variance, len(study.setups)
    components = [
        [
            words._(text)
            for text in (
                N_("Source of variation"),
                N_("Standard deviation"),
                "6 σ",
                N_("% of total variation"),
                N_("% contribution"),
                N_("% of the Review band"),
            )
        ]
    ]
    components += [
        [
            words._(COMPONENT_NAMES[one.name]),
            score(one.sigma),
            score(6 * one.sigma),
            percent(one.of_variation),
            percent(one.contribution),
            "–" if one.of_tolerance is None else percent(one.of_tolerance),
        ]
        for one in variance.components.values()
    ]
    anova = [
        [words._("Source of variation"), words._("DF"), words._("Sum of squares"), words._("Mean square"), "F", "p"]
    ]
    anova += [
        [
            words._(SOURCE_NAMES[row.source]),
            str(row.df),
            f"{row.ss:.6g}",
            f"{row.ms:.6g}",
            "" if row.f is None else f"{row.f:.3f}",
            write_p(row.p),
        ]
        for row in variance.rows
    ]
    names = [part.name for part in result.parts]
    limits = []
    for text, value, color in (
        (words._("Review from"), study.review_at, "#9a5b00"),
        (words._("NG from"), study.reject_at, "#b3261e"),
    ):
        if value is not None:
            limits.append(Limit(value, f"{text} {score(value)}", color))
    setups = [name_setup(study, setup, words._) for setup in range(n_setups)]
    size = {"width_pt": TEXT_MM * mm, "height_pt": 62 * mm}
    points = [(name, spread_points(variance.scores[:, setup, :], setup, n_setups)) for setup, name in enumerate(setups)]
    ranges = [
        (name, spread_points(variance.ranges[:, setup, None], setup, n_setups)) for setup, name in enumerate(setups)
    ]
    of_ranges = [
        Limit(variance.limits.range_limit, words._("Upper limit {value}", value=score(variance.limits.range_limit))),
        Limit(variance.limits.mean_range, words._("Mean range {value}", value=score(variance.limits.mean_range))),
    ]
    categories = "∞" if variance.categories is None else str(variance.categories)
    raw = [[words._("Part name"), *(f"{name[:12]} {one + 1}" for name in setups for one in range(study.n_pictures))]]
    raw += [
        [part.name, *(score(float(value)) for value in variance.scores[place].ravel())]
        for place, part in enumerate(result.parts)
    ]
    tables = make_section(
        words._("The score as a measurement"),
        [
            make_paragraph(f"{words._('Distinct categories (ndc)')}: {categories}", style.body),
            make_grid(components, [42, 28, 24, 30, 26, 28], style),
            make_paragraph(words._("Analysis of variance"), style.section),
            make_grid(anova, [48, 16, 36, 36, 22, 20], style),
        ],
        style,
    )
    return [
        KeepTogether(tables),
        draw_points(points, names, limits, title=words._("Scores by part"), **size),
        draw_points(ranges, names, of_ranges, title=words._("Range chart"), **size),
        *make_section(words._("Raw scores"), make_wide_grid(raw, style), style),
    ]


def _agreement_parts(result: AgreementResult, study: Study, words: Words, style: Style) -> list[Any]:
    head = (
        N_("Appraiser"),
        N_("Always right (effectiveness)"),
        N_("95 % interval"),
        N_("Missed defects"),
        N_("False alarms"),
        N_("Always alike"),
        N_("Kappa with the truth"),
    )
    rows = [[words._(text) for text in head]]
    rows += [
        [
            name_appraiser(one, study, words._),
            write_share(one.right),
            write_interval(one.right),
            write_share(one.missed),
            write_share(one.false_alarms),
            write_share(one.same),
            write_kappa(one.against_reference),
        ]
        for one in result.appraisers
    ]
    pairs = [[words._("Agreement"), words._("Kappa (95 % interval)")]]
    pairs.append([words._("All looks together (Fleiss)"), write_kappa(result.between)])
    pairs += [
        [
            f"{name_appraiser(pair.first, study, words._)} – {name_appraiser(pair.second, study, words._)} (Cohen)",
            write_kappa(pair.kappa),
        ]
        for pair in result.pairs
    ]
    looks = [
        [
            words._("Part name"),
            words._("What it really is"),
            *(name_appraiser(one, study, words._) for one in result.appraisers),
        ]
    ]
    looks += [
        [
            one.part.name,
            words._(REFERENCE_NAMES[one.part.reference]),
            *(f"{stopped}/{total}" for stopped, total in one.stopped),
        ]
        for one in result.looks
    ]
    return [
        *make_section(
            words._("The verdicts"),
            [
                make_grid(rows, [28, 27, 27, 25, 25, 23, 23], style),
                make_paragraph(words._("Agreement"), style.section),
                make_grid(pairs, [110, 68], style),
            ],
            style,
        ),
        *make_section(words._("Looks that stopped the part, by part"), make_wide_grid(looks, style), style),
    ]


def _method(found: Evaluation, words: Words) -> list[str]:
    texts = [words._("By AIAG, Measurement Systems Analysis (MSA), 4th edition.")]
    if found.score is not None:
        texts.append(
            words._(
                "Score: analysis of variance, parts crossed with setups; part × setup is left out where its F test "
                "gives p > 0.25. Limits: GRR up to 10 % acceptable, up to 30 % conditionally; ndc at least 5. The "
                "Review band is the distance of the two thresholds."
            )
        )
    if found.agreement is not None:
        texts.append(
            words._(
                "Verdicts: a part is stopped by Review as by NG. Shares with the exact interval of Clopper and "
                "Pearson, kappa with a 95 % interval by drawing parts anew (bootstrap). Limits: effectiveness from "
                "90 % (80 %), misses up to 2 % (5 %), false alarms up to 5 % (10 %), kappa from 0.75 (0.40)."
            )
        )
    return texts
