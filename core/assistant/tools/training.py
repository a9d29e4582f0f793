"""Trainings: runs with their figures, dataset versions; and the products that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import ENGINEER, WORKER
from core.assistant.results import MOST_ROWS, Address, Cell, Column, ToolResult
from core.assistant.tools.contract import Argument, Tool, ToolContext
from core.assistant.tools.scopes import PRODUCT
from core.datasets.reading import list_datasets as list_versions
from core.datasets.splits import SPLITS
from core.errors import NotFound
from core.i18n import N_
from core.training.runs.overview import list_runs as list_heads
from core.training.runs.overview import read_run
from core.training.runs.records import GoalOutcome
from storage.json_fields import read_floats

TRAIN_SCREEN = "pages/training/train_model.py"
DATASETS_SCREEN = "pages/training/dataset_versions.py"
INSPECT_SCREEN = "pages/inspection/inspect_part.py"
TASKS: dict[str, str] = {
    "classification": N_("classification"),
    "segmentation": N_("segmentation"),
    "detection": N_("detection"),
}
FIGURES: dict[str, str] = {
    "top1": "top-1",
    "top5": "top-5",
    "macro_f1": "macro F1",
    "miou": "mIoU",
    "mask_iou": "mask IoU",
    "map50": "mAP50",
    "map50_95": "mAP50-95",
}
RUN_STATES: dict[str, str] = {
    "queued": N_("waiting"),
    "running": N_("running"),
    "succeeded": N_("finished"),
    "failed": N_("failed"),
    "cancelled": N_("canceled"),
}


def list_runs(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the training runs, the newest first, each with its state and the figure of its task on test images."""
    say, speech = context.speech.say, context.speech
    product = context.product(arguments)
    found = list_heads(
        context.services,
        context.person,
        product_id=product.id if product is not None else None,
        limit=MOST_ROWS + 1,
    )
    rows: list[tuple[Cell, ...]] = [
        (
            head.id,
            head.name,
            speech.product(head.product),
            say(TASKS.get(head.task, head.task)),
            say(RUN_STATES.get(head.state, head.state)),
            head.epochs_done,
            FIGURES.get(head.figure, head.figure),
            None if head.test is None else round(head.test, 4),
            speech.moment(head.created_at),
        )
        for head in found[:MOST_ROWS]
    ]
    what = speech.product(product) if product is not None else say(N_("all products"))
    return ToolResult(
        tool="list_runs",
        arguments=dict(arguments),
        title=say(N_("Training runs")),
        query=say(N_("Training runs: {what}"), what=what),
        words=(
            say(
                N_("{what}: more than {n} training runs.")
                if len(found) > MOST_ROWS
                else N_("{what}: {n} training runs."),
                what=speech.subject(product),
                n=len(rows),
            ),
        ),
        columns=(
            Column(say(N_("Run")), "id"),
            Column(say(N_("Name"))),
            Column(say(N_("Product"))),
            Column(say(N_("Task"))),
            Column(say(N_("State"))),
            Column(say(N_("Epochs")), "number"),
            Column(say(N_("Figure"))),
            Column(say(N_("On test images")), "number"),
            Column(say(N_("Started"))),
        ),
        rows=tuple(rows),
        address=Address(
            TRAIN_SCREEN,
            say(N_("Open Train a model")),
            {} if product is None else {"product": str(product.id)},
        ),
        n_left_out=1 if len(found) > MOST_ROWS else 0,
    )


def show_run(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return one run's figures on validation and test images, and its goals. Raises NotFound."""
    say, speech = context.speech.say, context.speech
    number, product = arguments.get("run"), context.product(arguments)
    if number is None:
        newest = list_heads(
            context.services, context.person, product_id=product.id if product is not None else None, limit=1
        )
        number = newest[0].id if newest else None
    if number is None:
        raise NotFound("assistant_run_unknown", number="–")
    run = read_run(context.services, context.person, int(number))
    head, goals = run.head, {goal.name: goal for goal in run.head.goals}
    val, test = read_floats(run.val), read_floats(run.test)
    names = [name for name in FIGURES if name in val or name in test]
    names += [name for name in goals if name not in names]
    rows = tuple(
        (FIGURES.get(name, name), _round(val.get(name)), _round(test.get(name)), _say_goal(context, goals.get(name)))
        for name in names
    )
    words = [
        say(
            N_("Run {number} “{name}” ({product}, {task}): {state}, {epochs} epochs."),
            number=head.id,
            name=head.name,
            product=speech.product(head.product),
            task=say(TASKS.get(head.task, head.task)),
            state=say(RUN_STATES.get(head.state, head.state)),
            epochs=head.epochs_done,
        )
    ]
    figure = head.figure
    if figure in test:
        words.append(say(N_("On test images: {figure} {value}."), figure=FIGURES[figure], value=f"{test[figure]:.4f}"))
    return ToolResult(
        tool="show_run",
        arguments=dict(arguments),
        title=say(N_("Run {number}"), number=head.id),
        query=say(N_("Figures of run {number}"), number=head.id),
        words=tuple(words),
        columns=(
            Column(say(N_("Figure"))),
            Column(say(N_("On validation images")), "number"),
            Column(say(N_("On test images")), "number"),
            Column(say(N_("Goal"))),
        ),
        rows=rows,
        address=Address(TRAIN_SCREEN, say(N_("Open the run")), {"run": str(head.id)}),
    )


def list_datasets(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the dataset versions of a product, or the newest ones of all, with their images by split."""
    say, speech = context.speech.say, context.speech
    product = context.product(arguments)
    rows: list[tuple[Cell, ...]] = [
        (
            speech.product(one),
            head.number,
            head.name,
            head.report.n_images,
            *(head.report.count(split) for split in SPLITS),
            say(N_("broken")) if head.broken_reason else say(N_("whole")),
            speech.moment(head.created_at),
        )
        for one in (context.names.products if product is None else (product,))
        for head in list_versions(context.services, one.id)
    ]
    what = speech.product(product) if product is not None else say(N_("all products"))
    return ToolResult(
        tool="list_datasets",
        arguments=dict(arguments),
        title=say(N_("Dataset versions")),
        query=say(N_("Dataset versions: {what}"), what=what),
        words=(say(N_("{what}: {n} dataset versions."), what=speech.subject(product), n=len(rows)),),
        columns=(
            Column(say(N_("Product"))),
            Column(say(N_("Version")), "id"),
            Column(say(N_("Name"))),
            Column(say(N_("Images")), "number"),
            Column(say(N_("Training")), "number"),
            Column(say(N_("Validation")), "number"),
            Column(say(N_("Test")), "number"),
            Column(say(N_("State"))),
            Column(say(N_("Frozen"))),
        ),
        rows=tuple(rows[:MOST_ROWS]),
        address=Address(
            DATASETS_SCREEN,
            say(N_("Open the dataset versions")),
            {} if product is None else {"product": str(product.id)},
        ),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def list_products(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the products in use with their defect types."""
    say, speech = context.speech.say, context.speech
    rows = tuple(
        (
            one.code,
            speech.product(one),
            ", ".join(speech.defect(kind.name) for kind in context.names.types_of(one.id)),
            ", ".join(context.names.views_of(one.id)),
        )
        for one in context.names.products
    )
    return ToolResult(
        tool="list_products",
        arguments=dict(arguments),
        title=say(N_("Products")),
        query=say(N_("Products in use")),
        words=(say(N_("There are {n} products in use."), n=len(rows)),),
        columns=(
            Column(say(N_("Code"))),
            Column(say(N_("Name"))),
            Column(say(N_("Defect types"))),
            Column(say(N_("Views"))),
        ),
        rows=rows[:MOST_ROWS],
        address=Address(INSPECT_SCREEN, say(N_("Inspect a part"))),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _say_goal(context: ToolContext, goal: GoalOutcome | None) -> str:
    if goal is None:
        return ""
    return f"{goal.wanted:g} {context.speech.say(N_('met') if goal.met else N_('not met'))}"


LIST_RUNS = Tool(
    "list_runs",
    N_("Looking up training runs"),
    "Lists the training runs with their state and figures.",
    ENGINEER,
    list_runs,
    (PRODUCT,),
)
SHOW_RUN = Tool(
    "show_run",
    N_("Reading a training run"),
    "The figures and goals of one training run; the newest without a number.",
    ENGINEER,
    show_run,
    (Argument("run", "The run's number.", kind="number"), PRODUCT),
)
LIST_DATASETS = Tool(
    "list_datasets",
    N_("Looking up dataset versions"),
    "Lists the dataset versions of a product or of all.",
    ENGINEER,
    list_datasets,
    (PRODUCT,),
)
LIST_PRODUCTS = Tool(
    "list_products", N_("Looking up products"), "Lists the products in use with their defect types.", WORKER,
    list_products,
)  # fmt: skip
