"""The end of a run: its network is measured on validation, then once on test, compared, published and stored."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.datasets.reading import read_head
from core.errors import AppError, from_lower
from core.jobs import claims
from core.jobs.terms import Claim, JobCancelled, JobLost
from core.models.kinds import TRAINED_NETWORK
from core.registry.publishing import PublishedBundle, prefix_of, publish_under
from core.training.runs.acceptance import find_active_network, list_reasons
from core.training.runs.finishing import FinishedRun, store_finished
from core.training.runs.scoring import (
    Scored,
    check_goals,
    choose_failed,
    choose_level,
    draw_maps,
    make_results,
    measure,
    plain,
    score_examples,
)
from core.training.runs.storing import CHECKPOINT_NAME, folder_of, put_results, scratch_folder
from inference.errors import InferenceError
from inference.vision.learning.trained_network.description import PRIMARY_FIGURES
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    from core.services import Services
    from core.training.runs.listening import RunListener
    from core.training.runs.preparing import PreparedRun
    from core.training.runs.trained_scratch import Trained
    from inference.vision.learning.recipes.contract import Example
    from inference.vision.learning.trained_network.description import NetworkDescription
    from inference.vision.learning.trained_network.runtime import NetworkRuntime
    from storage.tables import TrainingRun

# How far the whole is when the epochs are over, and when all images are scored.
_SCORING_FROM, _SCORING_TO = 0.85, 0.97
_REPORT_EVERY_S = 0.3


def finish_run(
    services: Services, claim: Claim, row: TrainingRun, run: PreparedRun, trained: Trained, listener: RunListener
) -> None:
    """Measure, publish and store what a run has trained: a version that waits for a person to put it into use.

    Raises JobLost, JobCancelled, AppError, and lower errors of a network that cannot be asked.
    """
    from inference.vision.learning.trained_network.runtime import NetworkRuntime

    say = _Saying(listener)
    examples = run.learned.examples
    network = NetworkRuntime(trained.graph, trained.description)
    seen, unseen = examples.of("val"), examples.of("test")
    total = len(seen) + len(unseen)
    val = _score(say, network, trained.description, seen, 0, total)
    threshold, method = choose_level(trained.description, run.configuration.threshold, val)
    description = replace(trained.description, threshold=threshold)
    if description.task != "classification" and method == "fixed":
        # What counts as found has changed.
        val = _score(say, network, description, seen, 0, total)
    test = _score(say, network, description, unseen, len(seen), total)
    val_figures, test_figures = measure(description, val), measure(description, test)
    told = test if test.judged else val
    goals = check_goals(run.configuration.report.goals, test_figures or val_figures, "test" if test.judged else "val")
    active = find_active_network(services, row.product_id, row.view)
    reasons = list_reasons(
        services,
        description,
        test,
        goals,
        active,
        seed=row.seed,
        broken=bool(read_head(services, run.head.id).broken_reason),
        progress=lambda done, count: say("measure", done, count, _SCORING_TO),
    )
    result_key = _store_results(services, say, row, run, network, description, val, test)
    figures: dict[str, Any] = {
        "threshold": {"value": threshold, "method": method},
        "ms_per_image": told.ms_per_image,
        "training": trained.figures,
        "training_val": trained.val,
        "labels": list(description.labels),
        "good_labels": sorted(description.good_labels),
        "images": run.learned.count(),
        "left_out": [one.to_json() for one in run.learned.chosen.left_out],
        "skipped": {**trained.skipped, **val.unread, **test.unread},
        "compared_with": None if active is None else {"version": active.number},
    }
    if description.task == "classification":
        figures["verdicts"] = _count_verdicts(told, threshold)
    say("export", 0, 1, _SCORING_TO)
    checkpoint_key = f"{folder_of(row.id)}{CHECKPOINT_NAME}"
    finished = FinishedRun(
        run=row,
        product_code=run.product.code,
        dataset_hash=run.head.content_hash,
        description=description,
        published=_publish(services, claim, row, trained.graph, description, val_figures, test_figures),
        best_epoch=trained.best_epoch,
        epochs_done=trained.epochs_done,
        val=val_figures,
        test=test_figures,
        goals=goals,
        figures=plain(figures),
        reasons=reasons,
        stopped_for=trained.stopped_for,
        last_checkpoint_key=checkpoint_key if services.objects.exists(checkpoint_key) else "",
        result_key=result_key,
        seconds=listener.spent_s,
    )
    store_finished(services, claim, finished, listener.hold)
    _log_done(services, claim, finished)


class _Saying:
    """Reports how far it is, at most every 0.3 s but always a stage's end."""

    def __init__(self, listener: RunListener) -> None:
        self._listener = listener
        self._at = 0.0

    def __call__(self, stage: str, done: int, total: int, share: float) -> None:
        """Report. Raises JobLost, JobCancelled."""
        now = time.monotonic()
        if now - self._at >= _REPORT_EVERY_S or done >= total:
            self._at = now
            self._listener.report(stage, done, total, share)


def _score(
    say: _Saying,
    network: NetworkRuntime,
    description: NetworkDescription,
    examples: Sequence[Example],
    before: int,
    total: int,
) -> Scored:
    def progress(done: int, _count: int) -> None:
        share = _SCORING_FROM + (_SCORING_TO - _SCORING_FROM) * (before + done) / max(1, total)
        say("score", before + done, total, share)

    return score_examples(network, description, examples, progress)


def _store_results(
    services: Services,
    say: _Saying,
    row: TrainingRun,
    run: PreparedRun,
    network: NetworkRuntime,
    description: NetworkDescription,
    val: Scored,
    test: Scored,
) -> str:
    samples = run.learned.samples
    results = make_results(samples, val, split="val") + make_results(samples, test, split="test")
    failed = choose_failed(results, run.configuration.report.failed_examples)
    by_number = {samples[example.key].image_id: example for example in run.learned.examples.examples}
    keys = draw_maps(
        services,
        row.id,
        network,
        description,
        {one.image_id: by_number[one.image_id] for one in failed},
        {one.image_id: one.named for one in failed},
        lambda done, count: say("score", done, count, _SCORING_TO),
    )
    about = {
        "task": description.task,
        "labels": list(description.labels),
        "good_labels": sorted(description.good_labels),
        "threshold": description.threshold,
    }
    kept = [replace(one, map_key=keys.get(one.image_id, "")) for one in results]
    return put_results(services, row.id, about, kept)


def _publish(
    services: Services,
    claim: Claim,
    row: TrainingRun,
    graph: bytes,
    description: NetworkDescription,
    val: Mapping[str, Any],
    test: Mapping[str, Any],
) -> PublishedBundle:
    from inference.vision.learning.trained_network.bundle import write_network

    folder = scratch_folder(services, row.id) / f"bundle-{uuid.uuid4().hex}"
    name = PRIMARY_FIGURES[description.task]
    figures = {"run": row.id, "val": {name: val.get(name)}, "test": {name: test.get(name)}}
    prefix = f"{prefix_of(TRAINED_NETWORK, claim.job_id, claim.fencing_token)}{uuid.uuid4().hex}/"
    try:
        manifest = write_network(folder, graph, description, figures=figures)
        return publish_under(services, folder, prefix=prefix, kind=TRAINED_NETWORK, manifest_sha256=manifest.sha256)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _log_done(services: Services, claim: Claim, finished: FinishedRun) -> None:
    name = PRIMARY_FIGURES[finished.description.task]
    value = (finished.test or finished.val).get(name)
    said = "-" if value is None else f"{value:.3f}"
    try:
        claims.append_log(services, claim, "run_log_done", figure=name, value=said, seconds=f"{finished.seconds:.0f}")
    except (AppError, JobLost, JobCancelled):
        return  # it has ended, whatever the log can still say


def _count_verdicts(scored: Scored, threshold: float) -> dict[str, int]:
    """Return how many images would be called defective by the threshold, by their truth."""
    found = {"good": 0, "overkill": 0, "defect": 0, "escape": 0}
    for example, one in scored.judged:
        is_called = one.score is not None and one.score >= threshold
        found["defect" if example.is_defect else "good"] += 1
        found["escape"] += int(example.is_defect and not is_called)
        found["overkill"] += int(is_called and not example.is_defect)
    return found
