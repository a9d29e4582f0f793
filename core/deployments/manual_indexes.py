"""Building a product's manual index: fetch, read, split, embed, build, publish, verify, activate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from core.deployments.acceptance import BY_HAND
from core.deployments.candidates import add_candidate, retire_active
from core.errors import AppError, NotReady, from_lower
from core.jobs.claims import hold, plain
from core.jobs.progress import JobRun
from core.manuals.ingest import READ_MEMORY_BYTES, READ_TIMEOUT_S
from core.manuals.library import read_manual
from core.models.encoder import encoder_stamp
from core.models.kinds import MANUAL_INDEX
from core.registry import publishing
from core.registry.activation_policy import read_policy
from core.registry.manual_fingerprints import manual_fingerprints
from core.registry.publishing import PublishedBundle
from core.registry.versions import active_version, scope_of
from inference.build_cost import BuildCost
from inference.errors import ManualError
from storage.tables import Manual, ModelVersion, Product

if TYPE_CHECKING:
    from inference.language.passages import Passage
    from inference.language.pdf_text import PdfText
    from inference.language.retrieval import ManualIndex
    from inference.language.sentence_encoder import SentenceEncoder

# Here "image" is a page.
COST = BuildCost(product_s=0.5, image_s=0.03, base_bytes=400_000_000, image_bytes=60_000)
# What is a manual's own fault; anything else (a store that is away) fails the product and is tried again.
_OWN_FAULTS = ("manual_object_missing", "manual_object_damaged")


def build(run: JobRun, product: Product, folder: Path) -> dict[str, Any]:
    """Build, publish and activate the index of all the product's manuals; answers the outcome.

    A manual that cannot be read is left out and named. An index that is up to date is left as it is; one whose manuals
    are all gone is retired. Raises NotReady no_manuals, no_usable_manuals, and the lower errors of the object store.
    """
    services = run.services
    assert product.id is not None
    with services.database.reading() as session:
        # First, so that a manual that is added meanwhile makes the version out of date rather than go unnoticed.
        fingerprint = manual_fingerprints(session, services.settings.weights_dir, [product.id]).get(
            (MANUAL_INDEX, product.id, ""), ""
        )
        manuals = list(
            session.exec(select(Manual).where(Manual.product_id == product.id).order_by(col(Manual.id))).all()
        )
        before = active_version(session, MANUAL_INDEX, product.id)
        by_itself = read_policy(session).activate_when_no_worse
    outcome: dict[str, Any] = {"product_id": product.id, "code": product.code}
    if not manuals and before is None:
        raise NotReady("no_manuals", product=product.name)
    if not manuals or before is None or before.fingerprint != fingerprint or _has_failed(manuals):
        index, failures = _build_index(run, product, manuals) if manuals else (None, {})
    else:
        return {**outcome, "outcome": "unchanged", "number": before.number}
    if index is None:
        return {**outcome, **_retire(run, product, before)}
    read_ids = [manual.id for manual in manuals if manual.id not in failures]
    encoder = services.models.sentence_encoder()
    published = _publish(run, product, index, folder, encoder)
    version = ModelVersion(
        kind=MANUAL_INDEX,
        scope=scope_of(product.id),
        product_id=product.id,
        number=0,
        model_name=encoder.name,
        object_prefix=published.object_prefix,
        manifest_sha256=published.manifest_sha256,
        byte_size=published.byte_size,
        fingerprint=fingerprint,
        sources={
            "manual_ids": read_ids,
            "unread_manual_ids": sorted(failures),
            "encoder": encoder_stamp(services.settings.weights_dir),
        },
        metrics={
            "n_manuals": len(read_ids),
            "n_pages": sum(manual.page_count for manual in manuals if manual.id not in failures),
            "n_passages": len(index.passages),
        },
    )
    activate = by_itself or before is None
    add_candidate(run, product, version, activate=activate, reason="" if activate else BY_HAND)
    if activate and _is_bare(run, product.id):
        # The last manual was deleted while its index was being built.
        return {**outcome, **_retire(run, product, version)}
    return {
        **outcome,
        "outcome": "activated" if activate else "candidate",
        "reason": "" if activate else BY_HAND,
        "version_id": version.id,
        "number": version.number,
        "metrics": dict(version.metrics),
        "skipped_manuals": [
            {"name": manual.original_name, "reason": failures[manual.id].code}
            for manual in manuals
            if manual.id in failures
        ],
    }


def _has_failed(manuals: list[Manual]) -> bool:
    """Return whether one of them could not be read last time: a new build tries it again."""
    return any(manual.state == "failed" for manual in manuals)


def _build_index(
    run: JobRun, product: Product, manuals: list[Manual]
) -> tuple[ManualIndex, dict[int | None, AppError]]:
    """Return the index, and the manuals that could not be read by id. Raises NotReady no_usable_manuals."""
    from inference.language.passages import split_passages
    from inference.language.retrieval import ManualIndex

    n_pages = sum(manual.page_count for manual in manuals)
    run.log("log_manuals_started", product=product.code, n_manuals=len(manuals), n_pages=n_pages)
    texts, failures = _read_all(run, product, manuals)
    _note_states(run, manuals, failures)
    if not texts:
        raise NotReady("no_usable_manuals", product=product.name)
    passages: list[Passage] = []
    for done, (manual_id, text) in enumerate(texts.items()):
        run.progress("split", done, len(texts))
        passages += split_passages(text, source_id=manual_id)
    read_pages = sum(text.page_count for text in texts.values())
    run.log("log_passages_split", product=product.code, n_passages=len(passages), n_pages=read_pages)
    run.progress("embed", 0, len(passages))
    index = ManualIndex.build(
        passages,
        run.services.models.sentence_encoder(),
        progress=lambda done, total: run.progress("embed", done, total),
    )
    return index, failures


def _read_all(
    run: JobRun, product: Product, manuals: list[Manual]
) -> tuple[dict[int, PdfText], dict[int | None, AppError]]:
    contents: dict[int, bytes] = {}
    failures: dict[int | None, AppError] = {}
    for done, manual in enumerate(manuals):
        run.progress("fetch", done, len(manuals))
        try:
            contents[manual.id or 0] = read_manual(run.services, manual)
        except AppError as error:
            if error.code not in _OWN_FAULTS:
                raise
            failures[manual.id] = error
    texts: dict[int, PdfText] = {}
    total = sum(manual.page_count for manual in manuals)
    before = 0
    for manual in manuals:
        content = contents.pop(manual.id or 0, None)
        if content is not None:
            text = _read(run, manual, content, before=before, total=total)
            if isinstance(text, AppError):
                failures[manual.id] = text
            else:
                texts[manual.id or 0] = text
        before += manual.page_count
        if manual.id in failures:
            fault = failures[manual.id]
            reason_params = plain(fault.params)
            run.log("log_manual_skipped", product=product.code, reason=fault.code, reason_params=reason_params)
        elif manual.pages_without_text:
            run.log(
                "log_manual_pages",
                product=product.code,
                name=manual.original_name,
                count=len(manual.pages_without_text),
                pages=", ".join(map(str, manual.pages_without_text[:20])),
            )
    return texts, failures


def _read(run: JobRun, manual: Manual, content: bytes, *, before: int, total: int) -> PdfText | AppError:
    from inference.language.pdf_text import read_pdf

    try:
        return read_pdf(
            content,
            timeout_s=READ_TIMEOUT_S,
            memory_bytes=READ_MEMORY_BYTES,
            progress=lambda done, _pages: run.progress("read", before + done, total),
        )
    except ManualError as error:
        return from_lower(error, name=manual.original_name)


def _note_states(run: JobRun, manuals: list[Manual], failures: dict[int | None, AppError]) -> None:
    """Keep with each manual what this build made of it. Raises JobLost."""
    with run.services.database.unit_of_work() as session:
        hold(session, run.claim)
        for manual in manuals:
            failed = manual.id in failures
            code = failures[manual.id].code if failed else None
            session.execute(
                update(Manual)
                .where(col(Manual.id) == manual.id)
                .values(state="failed" if failed else "indexed", failure_code=code)
            )
        session.commit()


def _publish(
    run: JobRun, product: Product, index: ManualIndex, folder: Path, encoder: SentenceEncoder
) -> PublishedBundle:
    run.progress("build", 0, 0)
    manifest = index.save(folder, metadata={"product": product.code, "encoder": encoder.name})
    run.progress("publish", 0, 0)
    return publishing.publish(
        run.services, folder, kind=MANUAL_INDEX, manifest_sha256=manifest.sha256, attempt=run.claim
    )


def _retire(run: JobRun, product: Product, version: ModelVersion | None) -> dict[str, Any]:
    assert version is not None
    retire_active(run, product, version)
    run.log("log_index_retired", product=product.code)
    return {"outcome": "retired", "number": version.number}


def _is_bare(run: JobRun, product_id: int) -> bool:
    with run.services.database.reading() as session:
        return count_pages(session, product_id)[0] == 0


def count_pages(session: Session, product_id: int) -> tuple[int, int]:
    """Return how many manuals the product has, and how many pages these have together."""
    query = select(func.count(), func.sum(Manual.page_count)).select_from(Manual)
    count, pages = session.exec(query.where(Manual.product_id == product_id)).one()
    return int(count), int(pages or 0)


def readiness(session: Session, product: Product) -> AppError | None:
    """Why the product's manual index cannot be built, or None; an index without manuals can be, to go out of use."""
    assert product.id is not None
    if count_pages(session, product.id)[0] or active_version(session, MANUAL_INDEX, product.id) is not None:
        return None
    return NotReady("no_manuals", product=product.name)
