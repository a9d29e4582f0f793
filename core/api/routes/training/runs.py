"""Training runs: start, estimate, watch, read their results, cancel, resume, put into use, delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response

from core.access import ENGINEER, require_role
from core.api.context import Asked, Context, Id, OnceKey, PageNumber, PageSize
from core.api.files import FILE_SCHEMA, file_response
from core.api.repeats import answer_once
from core.api.routes.training.run_shapes import (
    Activated,
    Activation,
    Epochs,
    EpochShape,
    EstimateShape,
    Images,
    Runs,
    RunShape,
    State,
    WholeRun,
    shape_image,
    shape_run,
)
from core.catalog.products import find_product
from core.errors import NotFound
from core.models.judgment_words import reason_sentence
from core.training.configuration.reading import read_configuration
from core.training.runs import control, overview, starting
from core.training.runs.records import RunHead
from core.training.runs.results import read_map, read_results

router = APIRouter(prefix="/training/runs", tags=["training"])

Configuration = Annotated[
    dict[str, Any],
    Body(
        description="The configuration, as of `python -m core train`: product, task, data, model, input, augmentation, "
        "training, threshold, report, limits, seed.",
        examples=[{"product": "casting", "model": {"recipe": "probe"}, "report": {"goals": {"top1": 0.9}}}],
    ),
]
_PICTURE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {"schema": FILE_SCHEMA}}}}


@router.post("", status_code=202, response_model=RunShape, summary="Train a network")
def start_training(configuration: Configuration, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a training; a worker works it off."""
    require_role(asked.services, asked.person, ENGINEER)
    wanted = read_configuration(configuration)

    def make() -> RunShape:
        return shape_run(asked, _head(asked, starting.start_run(asked.services, asked.person, wanted)))

    return answer_once(
        asked,
        once,
        configuration,
        make,
        status=202,
        location=lambda made: asked.address("training", "runs", made.id),
        find=lambda job_ids: shape_run(asked, _head(asked, overview.find_by_job(asked.services, job_ids[0]))),
    )


@router.post("/estimate", summary="What a training would take")
def estimate_training(configuration: Configuration, asked: Asked) -> EstimateShape:
    """Time a few steps of a training, and say what it would take and what speaks against it. Nothing is started."""
    require_role(asked.services, asked.person, ENGINEER)
    found = starting.estimate_run(asked.services, asked.person, read_configuration(configuration))
    said = [one.to_app_error().sentence(asked.language) for one in found.warnings]
    return EstimateShape.model_validate({**found.to_json(), "warnings": said})


@router.get("", summary="Training runs")
def list_training_runs(
    asked: Asked,
    product: str = "",
    experiment: Annotated[str | None, Query(max_length=190)] = None,
    state: State | None = None,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Runs:
    """Return the newest runs, of a product (by its code), an experiment, a state, or all."""
    found = overview.list_runs(
        asked.services,
        asked.person,
        product_id=find_product(asked.services, product).id if product else None,
        experiment=experiment,
        states=() if state is None else (state,),
        limit=page_size,
        offset=(page - 1) * page_size,
    )
    return Runs(items=[shape_run(asked, head) for head in found])


@router.get("/{run_id}", summary="One training run")
def get_training_run(run_id: Id, asked: Asked) -> WholeRun:
    """Return a run with its configuration and figures."""
    run = overview.read_run(asked.services, asked.person, run_id)
    return WholeRun.model_validate(
        {
            **shape_run(asked, run.head, run).model_dump(),
            "configuration": run.configuration,
            "estimate": run.estimate,
            "val_figures": run.val,
            "test_figures": run.test,
            "figures": run.figures,
            "stopped_for": run.stopped_for,
            "reasons": [reason_sentence(reason, asked.language) for reason in run.reasons],
        }
    )


@router.get("/{run_id}/epochs", summary="The epochs of a training run")
def get_training_epochs(run_id: Id, asked: Asked) -> Epochs:
    """Return the epochs that are over, in their order."""
    found = overview.read_epochs(asked.services, asked.person, run_id)
    return Epochs(items=[EpochShape.model_validate(epoch.to_json()) for epoch in found])


@router.get("/{run_id}/results", summary="What the network said of each image")
def get_training_results(
    run_id: Id,
    asked: Asked,
    split: Literal["val", "test"] | None = None,
    wrong: Annotated[bool, Query(description="Only the images that it got wrong.")] = False,
    page: PageNumber = 1,
    page_size: PageSize = 50,
) -> Images:
    """Return one page of the validation and test images."""
    found = read_results(asked.services, asked.person, run_id)
    images = [one for one in found.images if split in (None, one.split) and not (wrong and one.right)]
    start = (page - 1) * page_size
    return Images(
        labels=list(found.labels),
        good_labels=list(found.good_labels),
        threshold=found.threshold,
        items=[shape_image(asked, run_id, one) for one in images[start : start + page_size]],
        total=len(images),
    )


@router.get(
    "/{run_id}/maps/{image_id}", responses=_PICTURE, response_class=Response, summary="The map of a failed example"
)
def get_training_map(run_id: Id, image_id: Id, asked: Asked) -> Response:
    """Return where the network saw what it named, as a gray PNG."""
    found = read_results(asked.services, asked.person, run_id)
    key = next((one.map_key for one in found.images if one.image_id == image_id and one.map_key), "")
    if not key:
        raise NotFound("not_found")
    data = read_map(asked.services, asked.person, key)
    return file_response(data, "image/png", file_name=f"run_{run_id}_image_{image_id}.png")


@router.post("/{run_id}/cancel", response_model=RunShape, summary="Cancel a training run")
def cancel_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Cancel a run: what is trained stays."""

    def make() -> RunShape:
        control.cancel_run(asked.services, asked.person, run_id)
        return shape_run(asked, _head(asked, run_id))

    return answer_once(asked, once, None, make, status=200)


@router.post("/{run_id}/resume", response_model=RunShape, summary="Go on with a training run")
def resume_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Queue a run that failed or was canceled once more: it goes on after its last whole epoch."""

    def make() -> RunShape:
        control.resume_run(asked.services, asked.person, run_id)
        return shape_run(asked, _head(asked, run_id))

    return answer_once(asked, once, None, make, status=200)


@router.post("/{run_id}/activate", response_model=Activated, summary="Put the model of a run into use")
def activate_training(run_id: Id, asked: Asked, wanted: Activation | None = None, once: OnceKey = None) -> Response:
    """Put the model of a run into use; where something speaks against it, only with `override`."""
    chosen = Activation() if wanted is None else wanted

    def make() -> Activated:
        version = control.activate_run(
            asked.services, asked.person, run_id, override=chosen.override, reason=chosen.reason
        )
        return Activated(run=run_id, model_version=version.number, version_id=version.id)

    return answer_once(asked, once, chosen.model_dump(), make, status=200)


@router.post("/{run_id}/roll-back", response_model=Activated, summary="Put the model before into use again")
def roll_back_training(run_id: Id, asked: Asked, once: OnceKey = None) -> Response:
    """Put the model back into use that was before that of this run, which is in use now."""

    def make() -> Activated:
        version = control.roll_back(asked.services, asked.person, run_id)
        return Activated(run=version.sources.get("run_id"), model_version=version.number, version_id=version.id)

    return answer_once(asked, once, None, make, status=200)


def _head(asked: Context, run_id: int) -> RunHead:
    return overview.read_head(asked.services, asked.person, run_id)
