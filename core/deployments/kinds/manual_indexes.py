"""The steps of a product's manual index: its manuals read, split into passages and embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from core.catalog.names import spoken_name
from core.deployments.acceptance import BY_HAND
from core.deployments.steps import (
    LAST_STAGES,
    BuildPart,
    Description,
    ModelSteps,
    NewVersion,
    PartResult,
    PlannedPart,
    RetiredPart,
    Snapshot,
    UnchangedPart,
)
from core.errors import AppError, NotReady, from_lower
from core.jobs.claims import hold
from core.jobs.outcomes import ACTIVATED, CANDIDATE, RETIRED, UNCHANGED, ProductOutcome, SkippedFile
from core.jobs.progress import JobRun
from core.jobs.stored_error import plain
from core.manuals.ingest import READ_MEMORY_BYTES, READ_TIMEOUT_S
from core.manuals.library import read_manual
from core.models.cache import ModelCache
from core.models.encoder import encoder_stamp
from core.models.figures import ManualFigures
from core.models.kinds import MANUAL_INDEX
from core.models.recognition import engine_stamp, find_engine
from core.models.sources import ManualSources
from core.registry.manual_fingerprints import manual_fingerprints
from core.registry.versions import active_version
from core.services import Services
from core.transactions import writing
from inference.build_cost import BuildCost
from inference.errors import ManualError
from storage.tables import Manual, ModelVersion, Product

if TYPE_CHECKING:
    from inference.language.passages import Passage
    from inference.language.pdf_text import PdfText
    from inference.language.recognition.tesseract import Tesseract
    from inference.language.retrieval import ManualIndex
    from inference.language.sentence_encoder import SentenceEncoder

# What is a manual's own fault; anything else (a store that is away) fails the product and is tried again.
_OWN_FAULTS = ("manual_object_missing", "manual_object_damaged")


@dataclass(frozen=True)
class ManualSnapshot(Snapshot):
    """The manuals of a product, and the stamp of the sentence encoder."""

    manuals: list[Manual]
    encoder_stamp: str


@dataclass(frozen=True)
class BuiltManualIndex:
    """An index, its encoder, and the manuals that could not be read by id."""

    index: ManualIndex
    encoder: SentenceEncoder
    failures: Mapping[int, AppError]


class ManualIndexSteps(ModelSteps[ManualSnapshot, BuiltManualIndex, None]):
    """How manual indexes are built.

    A manual that cannot be read is left out and named. An index that is up to date is left as it is; one whose manuals
    are all gone is retired.
    """

    kind = MANUAL_INDEX
    # Here "image" is a page.
    cost = BuildCost(product_s=0.5, image_s=0.03, base_bytes=400_000_000, image_bytes=60_000)
    stages = LAST_STAGES | {
        "fetch": (0.0, 0.05),
        "read": (0.05, 0.30),
        "recognize": (0.30, 0.40),
        "split": (0.40, 0.45),
        "embed": (0.45, 0.88),
        "build": (0.88, 0.92),
    }
    optional = True
    by_view = False

    def find_obstacle(self, session: Session, product: Product, view: str = "") -> AppError | None:
        """Return NotReady no_manuals, or None; an index without manuals can be built, to go out of use."""
        if _count_pages(session, product.id)[0] or active_version(session, MANUAL_INDEX, product.id) is not None:
            return None
        return NotReady("no_manuals", product=spoken_name(product))

    def count_sources(self, session: Session, product_id: int, view: str = "") -> int:
        """Return the pages of the product's manuals."""
        return _count_pages(session, product_id)[1]

    def snapshot(self, services: Services, session: Session, product: Product, view: str = "") -> ManualSnapshot:
        """Return the manuals of now. Raises NotReady no_manuals."""
        weights_dir = services.settings.weights_dir
        # First, so that a manual that is added meanwhile makes the version out of date rather than go unnoticed.
        ocr = engine_stamp(services.settings)
        fingerprints = manual_fingerprints(session, weights_dir, [product.id], ocr=ocr)
        fingerprint = fingerprints.get((MANUAL_INDEX, product.id, ""), "")
        query = select(Manual).where(Manual.product_id == product.id).order_by(col(Manual.id))
        manuals = list(session.exec(query).all())
        before = active_version(session, MANUAL_INDEX, product.id)
        plan: PlannedPart
        if not manuals:
            if before is None:
                raise NotReady("no_manuals", product=spoken_name(product))
            plan = RetiredPart("", before)
        # One that could not be read the last time is tried again.
        elif before is None or before.fingerprint != fingerprint or any(one.state == "failed" for one in manuals):
            plan = BuildPart("", fingerprint, before)
        else:
            plan = UnchangedPart("", before)
        return ManualSnapshot(product=product, parts=(plan,), manuals=manuals, encoder_stamp=encoder_stamp(weights_dir))

    def build(
        self, run: JobRun, snapshot: ManualSnapshot, plan: BuildPart, earlier: Mapping[str, BuiltManualIndex]
    ) -> BuiltManualIndex:
        """Read the manuals, split them and embed the passages. Raises NotReady no_usable_manuals where none can be."""
        from inference.language.retrieval import ManualIndex

        passages, failures = _read_passages(run, snapshot.product, snapshot.manuals)
        run.progress("embed", 0, len(passages))
        encoder = run.services.models.sentence_encoder()
        index = ManualIndex.build(passages, encoder, progress=lambda done, total: run.progress("embed", done, total))
        return BuiltManualIndex(index, encoder, failures)

    def evaluate(self, run: JobRun, snapshot: ManualSnapshot, plan: BuildPart, built: BuiltManualIndex) -> None:
        """Measure nothing: no manual says which passages are right."""

    def save(self, run: JobRun, snapshot: ManualSnapshot, built: BuiltManualIndex, folder: Path) -> str:
        """Write the bundle of the index."""
        run.progress("build", 0, 0)
        metadata = {"product": snapshot.product.code, "encoder": built.encoder.name}
        return built.index.save(folder, metadata=metadata).sha256

    def describe(
        self, snapshot: ManualSnapshot, plan: BuildPart, built: BuiltManualIndex, measured: None
    ) -> Description:
        """Return what the row of the index tells."""
        read = [manual for manual in snapshot.manuals if manual.id not in built.failures]
        return Description(
            model_name=built.encoder.name,
            sources=ManualSources(
                tuple(manual.id for manual in read), tuple(sorted(built.failures)), snapshot.encoder_stamp
            ),
            figures=ManualFigures(len(read), sum(manual.page_count for manual in read), len(built.index.passages)),
        )

    def has_sources(self, session: Session, product_id: int) -> bool:
        """Return whether the product has a manual: the last one may be deleted while its index is being built."""
        return _count_pages(session, product_id)[0] > 0

    def open(self, models: ModelCache, version: ModelVersion) -> None:
        """Load the index with its sentence encoder."""
        models.manual_index(version)

    def conclude(
        self, run: JobRun, snapshot: ManualSnapshot, results: Sequence[PartResult[BuiltManualIndex, None]]
    ) -> ProductOutcome:
        """Return the outcome of the one part; a retirement is logged."""
        (result,) = results
        product = snapshot.product
        if not isinstance(result, NewVersion):
            is_retired = isinstance(result, RetiredPart)
            if is_retired:
                run.log("log_index_retired", product=product.code)
            outcome = RETIRED if is_retired else UNCHANGED
            return ProductOutcome(product.id, product.code, outcome, number=result.version.number)
        failures = result.built.failures
        return ProductOutcome(
            product_id=product.id,
            code=product.code,
            outcome=ACTIVATED if result.acceptance.activate else CANDIDATE,
            reason="" if result.acceptance.activate else BY_HAND,
            version_id=result.version.id,
            number=result.version.number,
            metrics=ManualFigures.from_json(result.version.metrics),
            skipped_manuals=tuple(
                SkippedFile(manual.original_name, failures[manual.id].code)
                for manual in snapshot.manuals
                if manual.id in failures
            ),
        )


def _read_passages(run: JobRun, product: Product, manuals: list[Manual]) -> tuple[list[Passage], dict[int, AppError]]:
    """Return the passages, and why manuals could not be read by their id. Raises NotReady no_usable_manuals."""
    from inference.language.passages import split_passages

    n_pages = sum(manual.page_count for manual in manuals)
    run.log("log_manuals_started", product=product.code, n_manuals=len(manuals), n_pages=n_pages)
    texts, failures = _read_all(run, product, manuals)
    _note_states(run, manuals, failures, texts)
    if not texts:
        raise NotReady("no_usable_manuals", product=spoken_name(product))
    passages: list[Passage] = []
    for done, (manual_id, text) in enumerate(texts.items()):
        run.progress("split", done, len(texts))
        passages += split_passages(text, source_id=manual_id)
    read_pages = sum(text.page_count for text in texts.values())
    run.log("log_passages_split", product=product.code, n_passages=len(passages), n_pages=read_pages)
    return passages, failures


def _read_all(run: JobRun, product: Product, manuals: list[Manual]) -> tuple[dict[int, PdfText], dict[int, AppError]]:
    contents: dict[int, bytes] = {}
    failures: dict[int, AppError] = {}
    for done, manual in enumerate(manuals):
        run.progress("fetch", done, len(manuals))
        try:
            contents[manual.id] = read_manual(run.services, manual)
        except AppError as error:
            if error.code not in _OWN_FAULTS:
                raise
            failures[manual.id] = error
    texts: dict[int, PdfText] = {}
    total = sum(manual.page_count for manual in manuals)
    before = 0
    for manual in manuals:
        content = contents.pop(manual.id, None)
        if content is not None:
            text = _read(run, manual, content, before=before, total=total)
            if isinstance(text, AppError):
                failures[manual.id] = text
            else:
                texts[manual.id] = text
        before += manual.page_count
        if manual.id in failures:
            fault = failures[manual.id]
            reason_params = plain(fault.params)
            run.log("log_manual_skipped", product=product.code, reason=fault.code, reason_params=reason_params)
        else:
            pages = texts[manual.id].pages
            empty = [page.number for page in pages if not page.has_text]
            _log_pages(run, product, manual, "log_manual_pages", empty)
            _log_pages(run, product, manual, "log_manual_ocr", [page.number for page in pages if page.is_ocr])
    return texts, failures


def _log_pages(run: JobRun, product: Product, manual: Manual, code: str, numbers: Sequence[int]) -> None:
    if numbers:
        named = ", ".join(map(str, numbers[:20]))
        run.log(code, product=product.code, name=manual.original_name, count=len(numbers), pages=named)


def _read(run: JobRun, manual: Manual, content: bytes, *, before: int, total: int) -> PdfText | AppError:
    from inference.language.pdf_text import read_pdf

    engine = find_engine(run.services.settings)
    try:
        text = read_pdf(
            content,
            timeout_s=READ_TIMEOUT_S,
            memory_bytes=READ_MEMORY_BYTES,
            needs_text=engine is None,
            progress=lambda done, _pages: run.progress("read", before + done, total),
        )
        if engine is None or all(page.has_text for page in text.pages):
            return text
        # Seconds a page: a job that was cancelled is noticed while a page is being read.
        text = _recognize(run, content, text, engine)
        if not any(page.has_text for page in text.pages):
            raise ManualError("pdf_without_text")
    except ManualError as error:
        return from_lower(error, name=manual.original_name)
    return text


def _recognize(run: JobRun, content: bytes, text: PdfText, engine: Tesseract) -> PdfText:
    from inference.language.recognition.scans import recognize_pages

    standing = (0, 0)

    def show(done: int, count: int) -> None:
        nonlocal standing
        standing = (done, count)
        run.progress("recognize", done, count)

    return recognize_pages(content, text, engine, progress=show, look=lambda: run.progress("recognize", *standing))


def _note_states(
    run: JobRun, manuals: list[Manual], failures: dict[int, AppError], texts: Mapping[int, PdfText]
) -> None:
    """Store with each manual what this build made of it. Raises JobLost."""
    with writing(run.services) as session:
        hold(session, run.claim)
        for manual in manuals:
            failed = manual.id in failures
            code = failures[manual.id].code if failed else None
            by_ocr = [] if failed else [page.number for page in texts[manual.id].pages if page.is_ocr]
            session.execute(
                update(Manual)
                .where(col(Manual.id) == manual.id)
                .values(state="failed" if failed else "indexed", failure_code=code, pages_by_ocr=by_ocr)
            )
        session.commit()


def _count_pages(session: Session, product_id: int) -> tuple[int, int]:
    """Return how many manuals the product has, and how many pages these have together."""
    query = select(func.count(), func.sum(Manual.page_count)).select_from(Manual)
    count, pages = session.exec(query.where(Manual.product_id == product_id)).one()
    return int(count), int(pages or 0)
