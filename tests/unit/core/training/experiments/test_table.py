"""The table of runs: filters, and seeds of one configuration as one line."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, event

from core.access import Person
from core.errors import NotAllowed
from core.services import Services
from core.training.experiments.table import TableFilter, group_seeds, list_table, read_choices, spread_of
from storage.tables import TrainingRun
from tests.tracked_runs import PlateSet, add_run, add_set, configure


@pytest.fixture
def plates(services: Services) -> PlateSet:
    return add_set(services)


def test_runs_are_filtered_by_everything_that_is_said_of_them(
    services: Services, engineer: Person, admin: Person, plates: PlateSet
) -> None:
    other = add_set(services, code="other")
    first = add_run(services, plates, configure(experiment="light"), person_id=engineer.id)
    second = add_run(services, plates, configure(recipe="fine_tune"), state="failed", person_id=admin.id)
    third = add_run(services, other, task="detection")

    def numbers(**wanted: object) -> list[int]:
        return [head.id for head in list_table(services, engineer, TableFilter(**wanted))]  # type: ignore[arg-type]

    assert numbers() == [third, second, first]
    assert numbers(product_id=plates.product_id) == [second, first]
    assert numbers(experiment="light") == [first]
    assert numbers(experiment="") == [third, second]
    assert numbers(recipe="fine_tune") == [second]
    assert numbers(task="detection") == [third]
    assert numbers(states=("failed",)) == [second]
    assert numbers(person_id=admin.id) == [second]
    assert numbers(person_id=admin.id, recipe="probe") == []
    choices = read_choices(services, engineer, plates.product_id)
    assert (choices.experiments, choices.recipes, choices.tasks) == (
        ("light",), ("fine_tune", "probe"), ("classification",),
    )  # fmt: skip
    assert sorted(number for number, _name in choices.people) == sorted((engineer.id, admin.id))


def test_seeds_of_one_configuration_are_one_line_with_mean_and_spread(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    for seed, figure in enumerate((0.7, 0.8, 0.9)):
        add_run(
            services, plates, configure(seed=seed), name=f"seed {seed}", val={"macro_f1": figure},
            test={"macro_f1": 1.0 - figure},
        )  # fmt: skip
    longer = add_run(services, plates, configure(epochs=50), val={"macro_f1": 0.5})
    elsewhere = add_run(services, add_set(services, code="other"), configure())
    groups = group_seeds(services, engineer, list_table(services, engineer, TableFilter()))

    assert [[run.id for run in group.runs] for group in groups] == [[elsewhere], [longer], [3, 2, 1]]
    seeds = groups[2]
    assert seeds.val is not None
    assert seeds.val.mean == pytest.approx(0.8)
    assert seeds.val.deviation == pytest.approx(0.1)
    assert seeds.val.count == 3
    # What is best on validation, though the test images say otherwise: they choose nothing.
    assert seeds.best.id == 3
    assert groups[1].val is not None
    assert groups[1].val.deviation is None


def test_a_configuration_of_another_version_stands_for_itself(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    numbers = [add_run(services, plates), add_run(services, plates)]
    with services.database.unit_of_work() as session:
        for number in numbers:
            session.get_one(TrainingRun, number).configuration = {"version": 99}
        session.commit()
    groups = group_seeds(services, engineer, list_table(services, engineer, TableFilter()))
    assert [len(group.runs) for group in groups] == [1, 1]


def test_nothing_is_known_of_no_figures() -> None:
    assert spread_of([None, None]) is None


def test_the_table_is_one_question_to_the_database_whatever_its_length(
    services: Services, engineer: Person, plates: PlateSet
) -> None:
    counts = []
    for more in (2, 20):
        for seed in range(more):
            add_run(services, plates, configure(seed=seed))
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object, asked: list[str] = asked) -> None:
            asked.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        group_seeds(services, engineer, list_table(services, engineer, TableFilter()))
        event.remove(Engine, "before_cursor_execute", note)
        counts.append(len([one for one in asked if one.startswith("SELECT")]))
    assert counts[0] == counts[1] > 0


def test_runs_are_for_engineers(services: Services, worker_person: Person) -> None:
    with pytest.raises(NotAllowed):
        list_table(services, worker_person, TableFilter())
    with pytest.raises(NotAllowed):
        read_choices(services, worker_person, None)
