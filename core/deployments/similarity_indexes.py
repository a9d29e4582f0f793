"""Building the similarity indexes of a product: fetch, embed, build, publish, activate; one index of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.deployments.acceptance import BY_HAND
from core.deployments.candidates import add_candidate, retire_active
from core.deployments.embedding import Embedded, Finder, Progress, embed_examples
from core.deployments.embedding_store import forget_unused
from core.deployments.evaluation import test_set
from core.deployments.retrieval_measures import measure_retrieval
from core.errors import NotReady
from core.images.training import fetch_originals, training_rows
from core.jobs.progress import JobRun
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import SIMILARITY
from core.registry import publishing
from core.registry.activation_policy import read_policy
from core.registry.choices import chosen
from core.registry.fingerprints import fingerprints
from core.registry.index_examples import Example, image_examples, list_examples
from core.registry.lineage import cut_by_another_bank, note_bank
from core.registry.publishing import PublishedBundle
from core.registry.versions import IMAGES_OF, PARTS, active_version, scope_of
from inference.build_cost import BuildCost
from inference.errors import ImageError
from storage.tables import ModelVersion, Product

if TYPE_CHECKING:
    from inference.vision.networks.embeddings import Embedder
    from inference.vision.search.knn_vote import VoteRule
    from inference.vision.search.vector_index import VectorIndex

COST = BuildCost(product_s=0.8, image_s=0.012, base_bytes=500_000_000, image_bytes=4_096)


def build(run: JobRun, product: Product, folder: Path) -> dict[str, Any]:
    """Build, publish and activate the product's indexes of normal and of defect images; answers the outcome.

    An index that is up to date is left as it is; one whose images are all gone is retired. Inspections whose defect
    people confirmed count as defect images. What was embedded before is taken over.
    Raises NotReady without training images, and the lower errors of the engine and the object store.
    """
    services = run.services
    assert product.id is not None
    with services.database.reading() as session:
        # First, so that an image that is added meanwhile makes the version out of date rather than go unnoticed.
        wanted = fingerprints(session, [product.id])
        rows = {part: training_rows(session, product.id, IMAGES_OF[part]) for part in PARTS[SIMILARITY_INDEX]}
        examples = {
            part: list_examples(services, session, product.id, IMAGES_OF[part]) for part in PARTS[SIMILARITY_INDEX]
        }
        bank = active_version(session, MEMORY_BANK, product.id)
        choice = chosen(session, SIMILARITY)
        active = {part: active_version(session, SIMILARITY_INDEX, product.id, part) for part in rows}
        by_itself = read_policy(session).activate_when_no_worse
    if not any(examples.values()):
        raise NotReady("no_training_images", product=product.name)
    numbers: dict[str, int] = {}
    built = waiting = False
    skipped: list[dict[str, str]] = []
    whole: Embedded | None = None
    for part, found in examples.items():
        fingerprint = wanted.get((SIMILARITY_INDEX, product.id, part), "")
        before = active[part]
        if not found:
            if before is not None:
                retire_active(run, product, before)
            continue
        if before is not None and before.fingerprint == fingerprint and not cut_by_another_bank(before, bank):
            numbers[part] = before.number
            continue
        fetch_originals(services, rows[part], lambda done, total: run.progress("fetch", done, total))
        embedder = services.models.embedder(choice.option.name)
        run.log("log_index_started", product=product.code, n_images=len(found), part=part)
        finder = Finder(services.models.memory_bank(bank), bank.manifest_sha256) if bank is not None else None
        by = finder if part == "region" else None
        embedded = _embed(run, product, embedder, found, skipped, finder=by)
        if not embedded.examples:
            raise NotReady("no_usable_images", product=product.name)
        rule: VoteRule | None = None
        figures: dict[str, Any] = {}
        if part != "normal":
            # The whole images were embedded a moment ago, or at an earlier deployment: they are kept.
            whole = embedded if part == "defect" else whole or _embed(run, product, embedder, found, [], finder=None)
            region = embedded if part == "region" else None
            rule = _learn_rule(whole, region)
            figures = _measure(run, product, embedder, whole=whole, region=region, rule=rule, finder=by)
        published = _publish(run, folder / part, embedded=embedded, embedder=embedder, rule=rule)
        inspected = [-example.id for example in embedded.examples if example.id < 0]
        ids = [example.id for example in embedded.examples if example.id > 0]
        version = ModelVersion(
            kind=SIMILARITY_INDEX,
            scope=scope_of(product.id, part),
            product_id=product.id,
            number=0,
            model_name=choice.option.name,
            object_prefix=published.object_prefix,
            manifest_sha256=published.manifest_sha256,
            byte_size=published.byte_size,
            fingerprint=fingerprint,
            sources={"image_ids": {part: ids}, "inspection_ids": inspected, **note_bank(part, bank)},
            metrics={
                "n_images": len(ids),
                "n_confirmed": len(inspected),
                "n_computed": embedded.computed,
                "dimension": embedder.dimension,
                **({"retrieval": figures} if figures else {}),
                **({"suggestion": dict(rule.figures)} if rule is not None and rule.figures else {}),
            },
        )
        # Nothing that is worse for being newer: an index holds what the images are now.
        activate = by_itself or before is None
        add_candidate(run, product, version, activate=activate, reason=BY_HAND)
        waiting = waiting or not activate
        built = True
        numbers[part] = version.number
    forget_unused(services)
    return {
        "product_id": product.id,
        "code": product.code,
        "outcome": "candidate" if waiting else "activated" if built else "unchanged",
        "reason": BY_HAND if waiting else "",
        "numbers": numbers,
        "skipped_images": skipped,
    }


def _embed(
    run: JobRun,
    product: Product,
    embedder: Embedder,
    examples: list[Example],
    skipped: list[dict[str, str]],
    *,
    finder: Finder | None,
) -> Embedded:
    def skip(example: Example, error: ImageError) -> None:
        item = {"name": example.name, "reason": error.code}
        if item not in skipped:
            skipped.append(item)
            run.log("log_image_skipped", product=product.code, name=example.name, reason=error.code)

    return embed_examples(
        run.services,
        embedder,
        examples,
        finder=finder,
        progress=lambda done, total: run.progress("embed", done, total),
        skip=skip,
    )


def _learn_rule(whole: Embedded, region: Embedded | None) -> VoteRule:
    """Return how votes for a type are counted, learnt on the examples that are there in each view."""
    from inference.vision.search.knn_vote import learn_rule

    rows = {example.id: (example, place) for place, example in enumerate(whole.examples)}
    other = {example.id: place for place, example in enumerate(region.examples)} if region is not None else None
    ids = [found for found in rows if other is None or found in other]
    labels = np.asarray([rows[found][0].defect_type_id for found in ids], dtype=np.int64)
    places = [rows[found][1] for found in ids]
    if region is None or other is None:
        return learn_rule(whole.vectors[places], None, labels)
    return learn_rule(whole.vectors[places], region.vectors[[other[found] for found in ids]], labels)


def _measure(
    run: JobRun,
    product: Product,
    embedder: Embedder,
    *,
    whole: Embedded,
    region: Embedded | None,
    rule: VoteRule,
    finder: Finder | None,
) -> dict[str, Any]:
    """Return what the indexes find for the product's test images, whole and by the defective place."""
    with run.services.database.reading() as session:
        rows = [row for row in test_set(session, product.id or 0).rows if row.image_type == "defect"]
    return measure_retrieval(
        run.services,
        embedder,
        image_examples(run.services, rows),
        whole=_index_of(whole),
        region=_index_of(region) if region is not None else None,
        rule=rule,
        finder=finder,
        type_of={example.id: example.defect_type_id or 0 for example in whole.examples},
        progress=lambda done, total: run.progress("evaluate", done, total),
    )


def _index_of(embedded: Embedded, progress: Progress | None = None) -> VectorIndex:
    from inference.vision.search.vector_index import VectorIndex

    ids = np.asarray([example.id for example in embedded.examples], dtype=np.int64)
    return VectorIndex.build(embedded.vectors, ids, progress=progress)


def _publish(
    run: JobRun, folder: Path, *, embedded: Embedded, embedder: Embedder, rule: VoteRule | None
) -> PublishedBundle:
    run.progress("build", 0, 0)
    index = _index_of(embedded, lambda done, total: run.progress("build", done, total))
    folder.parent.mkdir(parents=True, exist_ok=True)
    manifest = index.save(
        folder,
        metadata={
            "embedder": embedder.name,
            "embedder_key": embedder.key,
            "preparation": dict(embedder.preparation),
            "vote_rule": rule.to_dict() if rule is not None else None,
        },
    )
    run.progress("publish", 0, 0)
    return publishing.publish(
        run.services, folder, kind=SIMILARITY_INDEX, manifest_sha256=manifest.sha256, attempt=run.claim
    )
