"""Which method may be asked for a second opinion on a product's parts: an engineer chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.catalog.edits import save_edit
from core.catalog.products import get_product_row
from core.errors import AppError, BadInput, NotFound
from core.methods.registry import find_method
from core.methods.specifications.trained_runs import TRAINED_RUN
from core.methods.trained_networks import list_finished_runs
from core.methods.visual.vlg import VLG
from core.methods.visual.vlm import VLM
from core.transactions import reading, writing
from inference.language.visual_questions.method import MAX_REFERENCES
from storage.tables import MethodModel, Product, TrainingRun

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

NONE = ""
# A trained method is kept as "model:7", by the number of its row.
MODEL_PREFIX = "model:"
# A finished training run is kept as "run:12".
RUN_PREFIX = "run:"


@dataclass(frozen=True)
class OpinionChoice:
    """A method that a product's second opinion may come from: `code` is what the product keeps.

    `title` is a msgid. `model` is the row of a trained method, `run` that of a finished training. `obstacle` says what
    is missing before it can be asked. `references` good parts are shown to a vision-language model along with the part.
    """

    code: str
    title: str
    model: MethodModel | None = None
    run: TrainingRun | None = None
    obstacle: AppError | None = None
    references: int = 0

    @property
    def method(self) -> str:
        """Return the name of the method, "" for a trained one."""
        return read_choice(self.code)[0] if self.model is None and self.run is None else ""


def read_choice(code: str) -> tuple[str, int]:
    """Return the method that a product keeps, and how many good parts are shown to it: `vlm:2` stands for two.

    That of a trained method stays as it is.
    """
    name, _, count = code.partition(":")
    return (name, int(count)) if name == VLM and count.isdecimal() else (code, 0)


def list_opinion_choices(services: Services, product_id: int) -> list[OpinionChoice]:
    """Return the methods that can be chosen for a product: those not trained, its trained ones, its finished runs."""
    found = []
    for name in (VLM, VLG):
        spec = find_method(name)
        obstacle = spec.find_obstacle(services)
        found.append(OpinionChoice(name, spec.title, obstacle=obstacle))
        if name == VLM:
            found += [
                OpinionChoice(f"{VLM}:{count}", spec.title, obstacle=obstacle, references=count)
                for count in range(1, MAX_REFERENCES + 1)
            ]
    with reading(services) as session:
        rows = session.exec(
            select(MethodModel).where(MethodModel.product_id == product_id).order_by(col(MethodModel.id).desc())
        ).all()
    for row in rows:
        try:
            title = find_method(row.method).title
        except NotFound:
            continue  # of another version of the program
        found.append(OpinionChoice(f"{MODEL_PREFIX}{row.id}", title, model=row))
    title = find_method(TRAINED_RUN).title
    found += [
        OpinionChoice(f"{RUN_PREFIX}{run.id}", title, run=run)
        for run in list_finished_runs(services, product_id=product_id)
    ]
    return found


def choose_second_opinion(
    services: Services, person: Person, product_id: int, code: str, *, row_version: int
) -> Product:
    """Keep which method gives second opinions on a product's parts; empty for none.

    Raises NotAllowed, BadInput(`second_opinion_unknown`), NotFound(`not_found`), Conflict(`stale_save`).
    """
    require_role(services, person, ENGINEER)
    if code != NONE and code not in {choice.code for choice in list_opinion_choices(services, product_id)}:
        raise BadInput("second_opinion_unknown", value=code[:40])
    with writing(services) as session:
        product = get_product_row(session, product_id, lock=True)
        save_edit(session, person, product, "product", {"second_opinion": code}, row_version)
        session.commit()
        return product


def find_chosen_opinion(services: Services, product_id: int) -> OpinionChoice | None:
    """Return the method that is chosen for a product, None where none is. Raises NotFound(`not_found`)."""
    with reading(services) as session:
        code = get_product_row(session, product_id).second_opinion
    return next((choice for choice in list_opinion_choices(services, product_id) if choice.code == code), None)
