"""The steps of a similarity index: one part of normal images, one of defect images, one of their defective places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import Session

from core.catalog.views import speak
from core.deployments.acceptance import BY_HAND
from core.deployments.costs import cost_of_model
from core.deployments.embedding import Embedded, Finder, embed_examples
from core.deployments.index_learning import index_of, learn_rule, measure_spread
from core.deployments.measuring import test_set
from core.deployments.origins import log_origins
from core.deployments.retrieval_measures import measure_retrieval
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
from core.errors import AppError, NotReady
from core.images.bit_depth import find_bit_depth
from core.images.training import count_training_images, fetch_originals, has_training_images, training_rows
from core.jobs.outcomes import ACTIVATED, CANDIDATE, UNCHANGED, ProductOutcome, SkippedFile
from core.jobs.progress import JobRun
from core.models.cache import ModelCache
from core.models.figures import ClosenessFigures, IndexFigures, RetrievalFigures
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.options import SIMILARITY
from core.models.sources import IndexSources
from core.registry.choices import Choice, chosen
from core.registry.fingerprints import fingerprints
from core.registry.index_examples import Example, image_examples, list_examples
from core.registry.lineage import cut_by_another_bank
from core.registry.versions import IMAGES_OF, PARTS, active_version, place_of
from core.services import Services
from core.similarity.embedding_store import delete_unused
from core.transactions import HasDatabase, reading
from inference.build_cost import BuildCost
from inference.errors import ImageError
from storage.tables import Image, ModelVersion, Product

if TYPE_CHECKING:
    from inference.vision.networks.embeddings import Embedder
    from inference.vision.search.closeness import Spread
    from inference.vision.search.knn_vote import VoteRule


@dataclass(frozen=True)
class IndexSnapshot(Snapshot):
    """The examples of each part, the images among them, and the memory bank in use, which finds defective places."""

    rows: Mapping[str, list[Image]]
    examples: Mapping[str, list[Example]]
    bank: ModelVersion | None
    choice: Choice


@dataclass(frozen=True)
class BuiltIndex:
    """The embeddings of one part.

    Parts of defects have the `whole` images' embeddings and the `rule` of the vote as well, the part of defective
    places the `finder` that found them. `skipped` are images that could not be used, without those that a part before
    has named. `spread` is how similar the images of the part are to each other, ranked as an inspection ranks them.
    """

    embedder: Embedder
    embedded: Embedded
    skipped: tuple[SkippedFile, ...]
    whole: Embedded | None = None
    rule: VoteRule | None = None
    finder: Finder | None = None
    spread: Spread | None = None


class SimilarityIndexSteps(ModelSteps[IndexSnapshot, BuiltIndex, RetrievalFigures | None]):
    """How similarity indexes are built.

    A part that is up to date is left as it is; one whose images are all gone is retired. Inspections whose defect
    people confirmed count as defect images. What was embedded before is used again.
    """

    kind = SIMILARITY_INDEX
    cost = BuildCost(product_s=0.8, image_s=0.012, base_bytes=500_000_000, image_bytes=4_096)
    stages = LAST_STAGES | {
        "fetch": (0.0, 0.05),
        "embed": (0.05, 0.85),
        "evaluate": (0.75, 0.93),
        "build": (0.85, 0.90),
    }
    follows = (MEMORY_BANK,)

    def find_obstacle(self, session: Session, product: Product, view: str = "") -> AppError | None:
        """Return NotReady no_training_images, or None."""
        if has_training_images(session, product.id, view):
            return None
        return NotReady("no_training_images", product=speak(session, product, view))

    def count_sources(self, session: Session, product_id: int, view: str = "") -> int:
        """Return the training images of the product, or of one view."""
        return count_training_images(session, product_id, view)

    def cost_of_choice(self, session: Session, product_id: int, view: str = "") -> BuildCost:
        """Return the cost with the chosen embedder."""
        choice = chosen(session, SIMILARITY)
        return cost_of_model(self.cost, choice.option, choice.options)

    def snapshot(self, services: Services, session: Session, product: Product, view: str = "") -> IndexSnapshot:
        """Return the examples of now. Raises NotReady no_training_images."""
        # First, so that an image that is added meanwhile makes the version out of date rather than go unnoticed.
        wanted = fingerprints(session, [product.id])
        parts = PARTS[SIMILARITY_INDEX]
        rows = {part: training_rows(session, product.id, IMAGES_OF[part], view) for part in parts}
        examples = {part: list_examples(services, session, product.id, IMAGES_OF[part], view) for part in parts}
        if not any(examples.values()):
            raise NotReady("no_training_images", product=speak(session, product, view))
        bank = active_version(session, MEMORY_BANK, product.id, view=view)
        plans: list[PlannedPart] = []
        for part, found in examples.items():
            fingerprint = wanted.get((SIMILARITY_INDEX, product.id, place_of(part, view)), "")
            before = active_version(session, SIMILARITY_INDEX, product.id, part, view)
            if not found:
                plans += [RetiredPart(part, before)] if before is not None else []
            elif before is None or before.fingerprint != fingerprint or cut_by_another_bank(before, bank):
                plans.append(BuildPart(part, fingerprint, before))
            else:
                plans.append(UnchangedPart(part, before))
        return IndexSnapshot(
            product=product,
            parts=tuple(plans),
            view=view,
            rows=rows,
            examples=examples,
            bank=bank,
            choice=chosen(session, SIMILARITY),
        )

    def build(
        self, run: JobRun, snapshot: IndexSnapshot, plan: BuildPart, earlier: Mapping[str, BuiltIndex]
    ) -> BuiltIndex:
        """Embed the examples of one part; for defects, learn how votes for a type are counted."""
        services, bank = run.services, snapshot.bank
        examples = snapshot.examples[plan.part]
        fetch_originals(services, snapshot.rows[plan.part], lambda done, total: run.progress("fetch", done, total))
        embedder = services.models.embedder(snapshot.choice.option.name)
        run.log("log_index_started", product=snapshot.label, n_images=len(examples), part=plan.part)
        log_origins(run, snapshot.label, snapshot.rows[plan.part], plan.before)
        finder = Finder(services.models.memory_bank(bank), bank.manifest_sha256) if bank is not None else None
        if plan.part != "region":
            finder = None
        named = {found for built in earlier.values() for found in built.skipped}
        embedded, skipped = _embed(run, snapshot.label, embedder, examples, named, finder=finder)
        if not embedded.examples:
            with reading(services) as session:
                raise NotReady("no_usable_images", product=speak(session, snapshot.product, snapshot.view))
        if plan.part == "normal":
            return BuiltIndex(embedder, embedded, skipped, spread=measure_spread(embedded, None, None))
        if plan.part == "defect":
            rule = learn_rule(embedded, None)
            return BuiltIndex(embedder, embedded, skipped, embedded, rule, spread=measure_spread(embedded, None, rule))
        # The whole images were embedded a moment ago, or at an earlier deployment: those embeddings are stored.
        if "defect" in earlier:
            whole = earlier["defect"].embedded
        else:
            whole, _named = _embed(run, snapshot.label, embedder, examples, set(), finder=None)
        rule = learn_rule(whole, embedded)
        spread = measure_spread(whole, embedded, rule)
        return BuiltIndex(embedder, embedded, skipped, whole, rule, finder, spread)

    def evaluate(
        self, run: JobRun, snapshot: IndexSnapshot, plan: BuildPart, built: BuiltIndex
    ) -> RetrievalFigures | None:
        """Measure what the index finds for defective test images, whole and by the defective place."""
        if built.whole is None or built.rule is None:
            return None
        with reading(run.services) as session:
            rows = [
                row for row in test_set(session, snapshot.product.id, snapshot.view).rows if row.image_type == "defect"
            ]
            depth = find_bit_depth(session, snapshot.product.id, snapshot.view)
        return measure_retrieval(
            run.services,
            built.embedder,
            image_examples(run.services, rows, bit_depth=depth),
            whole=index_of(built.whole),
            region=index_of(built.embedded) if plan.part == "region" else None,
            rule=built.rule,
            finder=built.finder,
            type_of={example.id: example.defect_type_id or 0 for example in built.whole.examples},
            progress=lambda done, total: run.progress("evaluate", done, total),
        )

    def save(self, run: JobRun, snapshot: IndexSnapshot, built: BuiltIndex, folder: Path) -> str:
        """Build the index of one part and write its bundle."""
        run.progress("build", 0, 0)
        index = index_of(built.embedded, lambda done, total: run.progress("build", done, total))
        manifest = index.save(
            folder,
            metadata={
                "embedder": built.embedder.name,
                "embedder_key": built.embedder.key,
                "preparation": dict(built.embedder.preparation),
                "vote_rule": built.rule.to_dict() if built.rule is not None else None,
            },
        )
        return manifest.sha256

    def describe(
        self, snapshot: IndexSnapshot, plan: BuildPart, built: BuiltIndex, measured: RetrievalFigures | None
    ) -> Description:
        """Return what the row of one part tells."""
        ids = tuple(example.id for example in built.embedded.examples if example.id > 0)
        inspected = tuple(-example.id for example in built.embedded.examples if example.id < 0)
        found_by = snapshot.bank.id if plan.part == "region" and snapshot.bank is not None else None
        return Description(
            model_name=snapshot.choice.option.name,
            sources=IndexSources(plan.part, ids, inspected, found_by),
            figures=IndexFigures(
                n_images=len(ids),
                n_confirmed=len(inspected),
                n_computed=built.embedded.computed,
                dimension=built.embedder.dimension,
                retrieval=measured,
                suggestion=built.rule.figures if built.rule is not None else {},
                closeness=ClosenessFigures.from_spread(built.spread),
            ),
        )

    def open(self, models: ModelCache, version: ModelVersion) -> None:
        """Load the index, and the embedder that an image is searched with."""
        models.similarity_index(version)
        models.embedder(version.model_name)

    def clean_up(self, services: HasDatabase) -> None:
        """Delete the embeddings of images that are gone."""
        delete_unused(services)

    def conclude(
        self, run: JobRun, snapshot: IndexSnapshot, results: Sequence[PartResult[BuiltIndex, RetrievalFigures | None]]
    ) -> ProductOutcome:
        """Return the outcome: a product waits where one of its parts does."""
        new = [result for result in results if isinstance(result, NewVersion)]
        waiting = any(not result.acceptance.activate for result in new)
        return ProductOutcome(
            product_id=snapshot.product.id,
            code=snapshot.product.code,
            outcome=CANDIDATE if waiting else ACTIVATED if new else UNCHANGED,
            reason=BY_HAND if waiting else "",
            numbers={result.part: result.version.number for result in results if not isinstance(result, RetiredPart)},
            skipped_images=tuple(found for result in new for found in result.built.skipped),
        )


def _embed(
    run: JobRun,
    label: str,
    embedder: Embedder,
    examples: list[Example],
    named: set[SkippedFile],
    *,
    finder: Finder | None,
) -> tuple[Embedded, tuple[SkippedFile, ...]]:
    """Return the embeddings, and the examples that could not be read, without those that are `named` already."""
    skipped: list[SkippedFile] = []

    def skip(example: Example, error: ImageError) -> None:
        found = SkippedFile(example.name, error.code)
        if found not in named and found not in skipped:
            skipped.append(found)
            run.log("log_image_skipped", product=label, name=example.name, reason=error.code)

    embedded = embed_examples(
        run.services,
        embedder,
        examples,
        finder=finder,
        progress=lambda done, total: run.progress("embed", done, total),
        skip=skip,
    )
    return embedded, tuple(skipped)
