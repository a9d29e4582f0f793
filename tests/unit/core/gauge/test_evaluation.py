"""What a study finds: the worked example through the whole way, flips, gaps, and the words for them."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl
import pypdfium2
import pytest
from sqlmodel import select

from core.access import Person
from core.gauge.advice import ADVICE, describe
from core.gauge.evaluation import evaluate
from core.gauge.records import PlannedAppraiser, PlannedPart
from core.gauge.results import Evaluation
from core.gauge.wording import phrase
from core.i18n import translate
from core.reports.gauge_report import make_gauge_report
from core.reports.gauge_workbook import make_gauge_workbook
from core.services import Services
from core.transactions import writing
from storage.tables import GaugeRating, GaugeTrial, Product
from tests.gauge_study import fill, make_plan, start
from tests.history_rows import add_product
from tests.unit.core.gauge.worked_examples import DEFECTIVE, SCORES, STOPPED


@pytest.fixture
def bracket(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _sentences(found: Evaluation, language: str = "en") -> list[str]:
    return [phrase(one, found.study, lambda text: translate(language, text)) for one in describe(found)]


@pytest.fixture
def attribute_study(services: Services, engineer: Person, bracket: Product) -> Evaluation:
    """Return the published attribute study, its reference values as the mean scores of one picture each."""
    parts = tuple(
        PlannedPart(f"{number + 1:02d}", "defect" if bad else "good", "expert") for number, bad in enumerate(DEFECTIVE)
    )
    plan = make_plan(
        bracket.id,
        kind="verdict",
        parts=parts,
        n_repeats=3,
        with_model=False,
        appraisers=tuple(PlannedAppraiser(name) for name in "ABC"),
    )
    study = start(services, engineer, plan)
    fill(services, study.id, lambda *_: 0.0, lambda name, part, repeat: bool(STOPPED[name][part - 1, repeat - 1]))
    return evaluate(services, study.id)


def test_the_published_attribute_study_comes_out_as_published(attribute_study: Evaluation) -> None:
    found = attribute_study.agreement
    assert found is not None
    assert attribute_study.score is None
    figures = {
        one.name: (
            round(100 * one.right.value),
            round(100 * one.missed.value, 1),
            round(100 * one.false_alarms.value, 1),
            round(one.against_reference.value, 2),
        )
        for one in found.appraisers
        if one.right and one.missed and one.false_alarms and one.against_reference
    }
    # 6.25 % is printed as 6.3 % there.
    assert figures == {"A": (84, 6.2, 4.9, 0.88), "B": (90, 6.2, 2.0, 0.92), "C": (80, 12.5, 8.8, 0.77)}
    assert [round(pair.kappa.value, 2) for pair in found.pairs if pair.kappa] == [0.86, 0.78, 0.79]
    assert [one.grades for one in found.appraisers] == [
        {"right": "marginal", "missed": "not_acceptable", "false_alarms": "acceptable"},
        {"right": "acceptable", "missed": "not_acceptable", "false_alarms": "acceptable"},
        {"right": "marginal", "missed": "not_acceptable", "false_alarms": "marginal"},
    ]
    assert attribute_study.grade == "not_acceptable"
    assert (found.n_good, found.n_defect, found.left_out, found.absent) == (34, 16, (), ())
    assert found.all_same.hits == 39
    assert found.all_right is not None
    assert found.all_right.hits == 39


def test_what_has_to_be_done_is_said_with_its_figures(attribute_study: Evaluation) -> None:
    sentences = _sentences(attribute_study)
    assert any(text.startswith("C let 6 of 48 looks at defective parts pass") for text in sentences)
    assert any(text.startswith("C stopped good parts at 9 of 102 looks") for text in sentences)
    korean = _sentences(attribute_study, "ko")
    assert len(korean) == len(sentences)
    assert all(one not in sentences for one in korean)


def test_the_published_score_study_comes_out_through_the_rows(
    services: Services, engineer: Person, bracket: Product
) -> None:
    plan = make_plan(
        bracket.id,
        kind="score",
        n_repeats=3,
        setups=("A", "B", "C"),
        parts=tuple(PlannedPart(str(number)) for number in range(1, 11)),
    )
    study = start(services, engineer, plan)
    fill(services, study.id, lambda part, setup, repeat: float(SCORES[part - 1, setup, repeat - 1]) + 10.0)
    found = evaluate(services, study.id)
    assert found.score is not None
    assert found.score.variance.components["grr"].sigma == pytest.approx(0.302373, abs=2e-6)
    assert found.score.variance.components["grr"].of_tolerance == pytest.approx(6 * 0.302373 / 5, abs=1e-5)
    assert (found.score.grr_grade, found.score.categories_grade, found.grade) == ("marginal", "marginal", "marginal")
    assert (found.score.flipping, found.agreement) == ((), None)
    sentences = _sentences(found)
    assert "27.9%" in sentences[0]
    assert any("reproducibility" in text and "“" in text for text in sentences)


def _scores(base: dict[int, float], *, noise: float = 0.1) -> Callable[[int, int, int], float]:
    return lambda part, setup, repeat: base[part] + noise * ((3 * part + setup + 2 * repeat) % 5 - 2)


def test_a_part_at_a_threshold_is_told_with_its_verdicts(
    services: Services, engineer: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id, kind="score"))
    fill(services, study.id, _scores({1: 10.0, 2: 15.0, 3: 20.0, 4: 25.25}, noise=0.1))
    found = evaluate(services, study.id)
    assert found.score is not None
    (flipping,) = found.score.flipping
    assert flipping.part.name == "P3"
    assert set(flipping.verdicts) == {"ok", "review"}
    assert flipping.low < 20.0 <= flipping.high
    assert [(near.part.name, near.threshold) for near in found.score.near] == [("P4", "reject")]
    text = next(text for text in _sentences(found) if text.startswith("Part P3 flips"))
    assert "Review from 20, NG from 25" in text


def test_model_and_people_are_compared_and_review_stops_a_part(
    services: Services, engineer: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    fill(
        services,
        study.id,
        _scores({1: 10.0, 2: 12.0, 3: 22.0, 4: 40.0}),
        lambda name, part, repeat: part >= 3 and not (name == "Lee" and part == 3 and repeat == 2),
    )
    found = evaluate(services, study.id).agreement
    assert found is not None
    assert [(one.name, one.is_model) for one in found.appraisers] == [
        ("Kim", False), ("Lee", False), ("Station A", True), ("Station B", True),
    ]  # fmt: skip
    kim, lee, first, _second = found.appraisers
    assert kim.grade == first.grade == "acceptable"
    assert lee.missed is not None
    assert (lee.missed.hits, lee.missed.total) == (1, 4)
    assert found.zone is not None
    assert found.zone.low == pytest.approx(12.0, abs=0.3)
    assert found.zone.high == pytest.approx(40.0, abs=0.3)
    assert [one.is_unanimous for one in found.looks] == [True, True, False, True]


def test_people_who_are_not_done_and_parts_without_pictures_are_left_out_and_named(
    services: Services, engineer: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    fill(services, study.id, _scores({1: 10.0, 2: 12.0, 3: 22.0, 4: 40.0}), lambda _name, part, _repeat: part >= 3)
    lee, part = study.appraisers[1], study.parts[1]
    with writing(services) as session:
        last = session.exec(select(GaugeRating).where(GaugeRating.appraiser_id == lee.id)).all()[-1]
        last.verdict = ""
        trial = session.exec(select(GaugeTrial).where(GaugeTrial.part_id == part.id)).all()[0]
        trial.score, trial.verdict = None, ""
        session.commit()
    found = evaluate(services, study.id)
    assert found.agreement is not None
    assert found.score is not None
    assert found.agreement.absent == ("Lee",)
    assert [one.name for one in found.agreement.left_out] == ["P2"]
    assert [one.name for one in found.score.left_out] == ["P2"]
    assert not found.study.is_complete
    sentences = _sentences(found)
    assert "Left out, because pictures or looks are missing: P2." in sentences
    assert "Not counted, because not all looks are done: Lee." in sentences


def test_nothing_can_be_told_of_a_study_that_has_just_begun(
    services: Services, engineer: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    found = evaluate(services, study.id)
    assert (found.score, found.agreement, found.grade) == (None, None, None)
    assert make_gauge_report(services, study.id, language="en").startswith(b"%PDF")
    assert make_gauge_workbook(services, study.id, language="en").startswith(b"PK")


def test_every_advice_has_its_figures_and_its_translation() -> None:
    for text in ADVICE.values():
        assert translate("ko", text) != text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Gauge study no.", "Not acceptable", "Prepared", "Approved", "= formula")),
     ("ko", ("측정 시스템 분석", "부적합", "작성", "승인", "= formula"))],
)  # fmt: skip
def test_report_and_workbook_hold_verdict_signatures_and_raw_data(
    services: Services, engineer: Person, bracket: Product, language: str, words: tuple[str, ...]
) -> None:
    parts = (*(PlannedPart(f"P{n}", "good" if n < 3 else "defect") for n in range(1, 4)), PlannedPart("= formula"))
    study = start(services, engineer, make_plan(bracket.id, parts=parts, purpose="<b>release</b>"))
    fill(services, study.id, _scores({1: 10.0, 2: 12.0, 3: 22.0, 4: 40.0}), lambda _n, part, _r: part == 2)
    document = pypdfium2.PdfDocument(make_gauge_report(services, study.id, language=language))
    try:
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()
    for word in (*words, "<b>release</b>"):
        assert word in text
    book = openpyxl.load_workbook(io.BytesIO(make_gauge_workbook(services, study.id, language=language)))
    assert len(book.sheetnames) == 7
    rows = list(book[book.sheetnames[-2]].iter_rows(values_only=True))
    assert len(rows) == 1 + 16
    assert {row[1] for row in rows[1:]} == {"P1", "P2", "P3", "= formula"}
    assert all(isinstance(row[5], float | int) for row in rows[1:])
    ratings = list(book[book.sheetnames[-1]].iter_rows(values_only=True))
    assert len(ratings) == 1 + 16
