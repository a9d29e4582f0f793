"""The shapes of imports: a plan with its questions, and what became of each file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from core.api.context import LARGEST_ID
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.errors import describe
from core.image_imports.drafts import ImportDraft
from core.image_imports.results import ImportRow, ImportView
from core.images.imports.records import ImportPlan
from core.images.imports.summary import count_products, describe_left_out, questions_to_json

# Of more, the count alone is said.
MOST_LEFT_OUT = 1_000
State = Literal["draft", "queued", "running", "succeeded", "failed", "cancelled"]
Outcome = Literal["added", "duplicate", "refused", "left_out", "waiting"]
Text = Annotated[str, Field(max_length=1_000)]


class NamedPlace(Wanted):
    """Where the files lie: a folder or ZIP file of the server, or a folder of the object store; one of the two."""

    folder: Text = Field(default="", description="In a folder that the administrator allows (GEOMSA_IMPORT_FOLDERS).")
    store_folder: Text = Field(default="", description="A folder of the object store, not one of Geomsa's own.")
    product: Annotated[str, Field(max_length=190)] = Field(default="", description="Of all of it: a code or name.")
    as_role: Annotated[str, Field(max_length=255)] = Field(
        default="", description="What images are of which nothing says it: normal, or a type."
    )


class RolesWanted(Wanted):
    """What folders, files and patterns become: all that is decided; what is not named any more is open again."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    roles: dict[Text, Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        max_length=2_000, examples=[{"set/odd pile": "defect:dent", "set/extra": "skip", "set/val": "val/normal"}]
    )
    product: Annotated[str, Field(max_length=190)] | None = Field(default=None, description="null: as it is.")


class StartWanted(Wanted):
    """How a draft is to be taken in."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    leave_questions_out: bool = Field(default=False, description="What is asked is left out instead of refused.")
    test_share: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="So much of what names no split becomes test images, whole parts."
    )


class FolderShape(Shape):
    """The images of one folder that become one thing, and why (`reason` is for programs, `why` for people)."""

    path: str
    kind: Literal["normal", "defect", "mask", "left_out", "undecided"]
    product: str
    defect_name: str
    split: str
    view: str
    domain: str
    images: int
    parts: int
    sureness: Literal["certain", "likely", "unknown"]
    reason: str
    why: str


class QuestionShape(Shape):
    """What a person has to say: answer with a role for `path`, one of `choices` or another one."""

    code: str
    path: str
    message: str
    choices: list[str]
    images: int
    examples: list[str]


class LeftOutShape(Shape):
    """A file that is not taken in, and why."""

    path: str
    reason: str
    message: str


class ProductCounts(Shape):
    """What a product gets; `val` and `test` are how many of both kinds."""

    normal: int
    defect: dict[str, int]
    masks: int
    val: int
    test: int


class PlanShape(Shape):
    """What an import would do; `left_out` names the first 1,000, `left_out_total` counts all."""

    products: dict[str, ProductCounts]
    folders: list[FolderShape]
    questions: list[QuestionShape]
    left_out: list[LeftOutShape]
    left_out_total: int
    roles: dict[str, str]


class ProgressShape(Shape):
    """How far an import is that was started. `images` are those planned, counted by `outcomes` (waiting among them)."""

    job_id: int
    images: int
    outcomes: dict[Outcome, int]
    left_out: int
    masks: int
    bytes: int
    bytes_done: int
    added: dict[str, dict[str, int]] = Field(examples=[{"casting": {"": 120, "crack": 14}}])
    remaining_s: float | None
    can_go_on: bool
    error: FileError | None


class ImportShape(Shape):
    """An import: a draft with its plan, or one that was started with its progress."""

    id: int
    state: State
    title: str
    source: Literal["upload", "folder", "store"]
    row_version: int | None = Field(description="Send it back with a change; null once it is started.")
    files: int | None
    plan: PlanShape | None
    progress: ProgressShape | None


class ImportLine(Shape):
    """One line of the list."""

    id: int
    state: State
    title: str


class Imports(Shape):
    """Drafts, the last changed first; then what was started, the newest first."""

    items: list[ImportLine]


class ItemShape(Shape):
    """One file of an import and what became of it; `becomes` is the defect type, empty for good parts."""

    place: int
    file: str
    kind: Literal["image", "mask", "other"]
    product: str
    becomes: str
    split: str
    outcome: Outcome
    image_id: int | None
    stored_name: str
    notes: list[str]
    error: FileError | None


class Items(Shape):
    """One page of an import's files, in their order."""

    items: list[ItemShape]
    page: int
    more: bool


def draft_shape(draft: ImportDraft, language: str) -> ImportShape:
    """Return a draft with its plan, as it is decided now."""
    return ImportShape.model_validate(
        {
            "id": draft.id,
            "state": "draft",
            "title": draft.title,
            "source": draft.source,
            "row_version": draft.row_version,
            "files": draft.n_files,
            "plan": plan_shape(draft.plan, draft.decisions, language),
            "progress": None,
        }
    )


def plan_shape(plan: ImportPlan, decisions: Any, language: str) -> PlanShape:
    """Return a plan with its sentences in this language."""
    folders = [
        {
            "path": row.path,
            "kind": row.use.kind,
            "product": row.use.product,
            "defect_name": row.use.defect_name,
            "split": row.use.split,
            "view": row.use.view,
            "domain": row.use.domain,
            "images": row.n_images,
            "parts": row.n_parts,
            "sureness": row.sureness,
            "reason": row.reason,
            "why": describe(row.reason, {"name": row.path or ".", "folders": row.path or "."}, language),
        }
        for row in plan.folders
    ]
    left_out = [
        {"path": one.path, "reason": one.reason, "message": describe_left_out(one, language)}
        for one in plan.left_out[:MOST_LEFT_OUT]
    ]
    return PlanShape.model_validate(
        {
            "products": count_products(plan),
            "folders": folders,
            "questions": questions_to_json(plan, language),
            "left_out": left_out,
            "left_out_total": len(plan.left_out),
            "roles": dict(decisions),
        }
    )


def started_shape(found: ImportView, language: str) -> ImportShape:
    """Return an import that was started, with how far it is."""
    progress = {
        "job_id": found.job.id,
        "images": found.n_images,
        "outcomes": {outcome or "waiting": count for outcome, count in found.outcomes.items()},
        "left_out": found.n_other,
        "masks": found.n_masks,
        "bytes": found.byte_size,
        "bytes_done": found.done_bytes,
        "added": found.added,
        "remaining_s": found.job.remaining_s,
        "can_go_on": found.can_go_on,
        "error": describe_error(found.job.error, language),
    }
    return ImportShape.model_validate(
        {
            "id": found.id,
            "state": found.job.state,
            "title": found.title,
            "source": found.source,
            "row_version": None,
            "files": None,
            "plan": None,
            "progress": progress,
        }
    )


def item_shape(row: ImportRow, language: str) -> ItemShape:
    """Return one file of an import."""
    return ItemShape.model_validate(
        {
            "place": row.place,
            "file": row.path,
            "kind": row.kind,
            "product": row.product,
            "becomes": row.becomes,
            "split": row.split,
            "outcome": row.outcome or "waiting",
            "image_id": row.image_id,
            "stored_name": row.stored_name,
            "notes": list(row.notes),
            "error": describe_error(row.error, language),
        }
    )
