"""What the parts of the job queue have in common: stages, the claim and what ends it.

Every change of a running job names its fencing token, which grows with each claim: whoever lost the job (its lease ran
out and another worker took it over) can change nothing any more, however late it wakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult
from sqlmodel import Session

from core.access import ENGINEER
from core.i18n import N_
from core.jobs.records import JobPayload

# Who may ask for a job that builds models, and cancel it.
NEEDED_ROLE = ENGINEER
# How many workers may be lost over it: a bad night has several power cuts, and a job that fells its machine must end.
WORKERS_LOST = 10
# A job that inspects many files, and builds nothing.
BATCH_INSPECTION = "batch_inspection"
# A job that measures a memory bank on its test images once more, and builds nothing.
MEASUREMENT = "measurement"
# How many workers may be lost over a measurement before it fails.
MEASUREMENT_ATTEMPTS = 3
# A job that takes many images in, and builds nothing.
IMAGE_IMPORT = "image_import"
# A job that makes one report of a schedule.
PERIOD_REPORT = "period_report"
# A job that changes or deletes many images.
IMAGE_CHANGE = "image_change"
# How many workers may be lost over it: it goes on where it stopped.
IMAGE_CHANGE_ATTEMPTS = 3

# A job that asks several methods about the same images, and measures them.
COMPARISON = "comparison"

# A job that trains a network on a dataset version.
TRAINING = "training"

# Jobs that make a backup, and that prove one whole or restore it for a trial; theirs is the administrator's role.
BACKUP = "backup"
BACKUP_CHECK = "backup_check"
BACKUP_KINDS = (BACKUP, BACKUP_CHECK)
# How many workers may be lost over one: it begins anew each time.
BACKUP_ATTEMPTS = 3

LEASE_S = 15.0

JOB_KIND_NAMES: dict[str, str] = {
    "memory_bank": N_("Memory bank"),
    "similarity_index": N_("Similarity index"),
    "manual_index": N_("Manual index"),
    BATCH_INSPECTION: N_("Batch inspection"),
    IMAGE_IMPORT: N_("Image import"),
    IMAGE_CHANGE: N_("Change of images"),
    MEASUREMENT: N_("Measurement"),
    COMPARISON: N_("Comparison of methods"),
    TRAINING: N_("Training"),
    PERIOD_REPORT: N_("Report"),
    BACKUP: N_("Backup"),
    BACKUP_CHECK: N_("Check of a backup"),
}

STAGE_NAMES: dict[str, str] = {
    "start": N_("Starting"),
    "inspect": N_("Inspecting"),
    "fetch": N_("Fetching files"),
    "read": N_("Reading the manuals"),
    "recognize": N_("Reading scanned pages (OCR)"),
    "split": N_("Splitting into passages"),
    "extract": N_("Extracting features"),
    "compare": N_("Comparing the normal images with one another"),
    "coreset": N_("Selecting the memory bank"),
    "train": N_("Training"),
    "teach": N_("Learning the labeled defects"),
    "calibrate": N_("Calibrating thresholds"),
    "evaluate": N_("Measuring on test images"),
    "embed": N_("Computing embeddings"),
    "build": N_("Building the index"),
    "verify": N_("Verifying"),
    "publish": N_("Publishing"),
    "activate": N_("Activating"),
    "report": N_("Making the report"),
    "ingest": N_("Taking images in"),
    "change": N_("Changing images"),
    "predict": N_("Asking the methods"),
    "combine": N_("Combining views"),
    "measure": N_("Measuring the methods"),
    "estimate": N_("Timing a few steps"),
    "epochs": N_("Training, epoch by epoch"),
    "score": N_("Measuring on images it has not seen"),
    "export": N_("Writing the network"),
    "rows": N_("Reading the rows"),
    "copy": N_("Copying files"),
    "finish": N_("Finishing"),
    "objects": N_("Restoring files"),
    "tables": N_("Restoring rows"),
}


class JobLost(Exception):
    """The job belongs to another worker now, or has been ended: stop, and change nothing."""


class JobCancelled(Exception):
    """Somebody asked for the job to be canceled."""


@dataclass(frozen=True)
class Claim:
    """The right to work on a job for as long as the lease is renewed."""

    job_id: int
    kind: str
    fencing_token: int
    payload: JobPayload
    attempt: int


def changed_one(session: Session, statement: Any) -> bool:
    """Return whether the UPDATE found the row in the state that it names."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return bool(result.rowcount == 1)
