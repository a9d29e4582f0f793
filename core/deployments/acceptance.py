"""Whether a new version goes into use by itself: a bank is compared with the active one on the same test images."""

from __future__ import annotations

from dataclasses import dataclass

from core.deployments.evaluation import TestSet, measure
from core.images.bit_depth import read_bit_depth
from core.jobs.progress import JobRun
from core.models.detection_figures import BankFigures, DetectionFigures
from core.registry.activation_policy import read_policy
from core.registry.versions import current_threshold
from core.transactions import HasDatabase, reading, writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion, Product

# A candidate whose AUROC on the same test images is lower by more than this waits for a person.
WORSE_BY = 0.005
# And one that lets more defect parts through: by more than this share of the defect test images.
MORE_ESCAPES = 0.01

BETTER_OR_EQUAL, WORSE, BY_HAND, FIRST = "no_worse", "worse", "by_hand", "first"


@dataclass(frozen=True)
class Acceptance:
    """`reason` is no_worse, worse, by_hand (the policy leaves it to a person) or first (nothing was in use)."""

    activate: bool
    reason: str


def accept_by_policy(services: HasDatabase, before: ModelVersion | None) -> Acceptance:
    """Return what the policy says of a version that is no worse than `before`; a first version always goes into use."""
    if before is None:
        return Acceptance(True, FIRST)
    with reading(services) as session:
        by_itself = read_policy(session).activate_when_no_worse
    return Acceptance(by_itself, BETTER_OR_EQUAL if by_itself else BY_HAND)


def accept_bank(
    run: JobRun, product: Product, before: ModelVersion | None, figures: DetectionFigures | None, test: TestSet
) -> Acceptance:
    """Compare the candidate's `figures` with those of the active version `before`, and ask the policy.

    When the test images have changed since `before` was measured, it is measured again, with the thresholds in force,
    so that both stand on the same images. `figures` is None without test images. Raises JobLost, JobCancelled, and
    ObjectStoreError of a store that is away.
    """
    if before is not None:
        active = BankFigures.from_json(before.metrics).detection
        if test.rows and (active is None or active.test_fingerprint != test.fingerprint):
            active = _measure_again(run, product, before, test) or active
        if is_worse(figures, active):
            return Acceptance(False, WORSE)
    return accept_by_policy(run.services, before)


def is_worse(figures: DetectionFigures | None, active: DetectionFigures | None) -> bool:
    """Return whether the candidate measures worse than the active version on the very same test images.

    Without test images, or on others, nothing can be said against it.
    """
    if figures is None or active is None or figures.test_fingerprint != active.test_fingerprint:
        return False
    new, old = figures.image_auroc, active.image_auroc
    if new is not None and old is not None and new < old - WORSE_BY:
        return True
    more = (figures.escape or 0) - (active.escape or 0)
    return more > MORE_ESCAPES * (figures.n_defect or 0)


def _measure_again(run: JobRun, product: Product, before: ModelVersion, test: TestSet) -> DetectionFigures | None:
    services = run.services
    with reading(services) as session:
        threshold = current_threshold(session, before.id)
    try:
        figures = measure(
            services.objects,
            services.models.memory_bank(before),
            test,
            review_at=threshold.review_at,
            reject_at=threshold.reject_at,
            bit_depth=read_bit_depth(before.preprocessing),
            progress=lambda done, total: run.progress("evaluate", done, total),
        )
    except (InferenceError, ObjectStoreError) as error:
        if isinstance(error, ObjectStoreError) and error.code != "object_missing":
            raise
        # A version that cannot be opened does not inspect either: it must not hold back the one that can.
        run.log("log_active_unreadable", product=product.code, number=before.number)
        return None
    with writing(services) as session:
        row = session.get(ModelVersion, before.id)
        if row is not None:
            row.metrics = {**row.metrics, **figures.to_json()}
            session.add(row)
        session.commit()
    run.log("log_active_measured", product=product.code, number=before.number, n_test=len(test.rows))
    return figures
