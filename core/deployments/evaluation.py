"""What `evaluate` tells of the models in use: detection, similar images and named types, on the test images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.catalog.views import speak
from core.deployments.embedding import Finder
from core.deployments.measuring import Progress, TestSet, measure, test_set
from core.deployments.retrieval_measures import measure_retrieval
from core.errors import NotReady, from_lower
from core.images.bit_depth import read_bit_depth
from core.models.detection_figures import BankFigures, DetectionFigures
from core.models.figures import RetrievalFigures
from core.models.head_figures import HeadFigures
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.index_examples import image_examples
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.similarity.matches import live_types
from core.similarity.suggestions import prefers_head, read_rule
from core.transactions import reading
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import ModelVersion, Product

if TYPE_CHECKING:
    from inference.vision.detection.detector import Detector
    from inference.vision.search.knn_vote import VoteRule


def evaluate(
    services: Services, product: Product, *, view: str = "", progress: Progress | None = None
) -> dict[str, Any]:
    """Return the object that `evaluate --json` prints, of the product or of one view of it.

    Raises NotReady without an active model or test images.
    """
    with reading(services) as session:
        bank = active_version(session, MEMORY_BANK, product.id, view=view)
        if bank is None:
            raise NotReady("no_active_memory_bank", product=speak(session, product, view))
        threshold = current_threshold(session, bank.id)
        test = test_set(session, product.id, view)
        if not test.rows:
            raise NotReady("no_test_images", product=speak(session, product, view))
    try:
        model = services.models.memory_bank(bank)
        figures = measure(
            services.objects,
            model,
            test,
            review_at=threshold.review_at,
            reject_at=threshold.reject_at,
            bit_depth=read_bit_depth(bank.preprocessing),
            progress=progress,
        ).figures
        retrieval, rule = _measure_retrieval(services, product, model=model, bank=bank, test=test)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    written = figures.to_json()
    types = _describe_types(figures, retrieval, BankFigures.from_json(bank.metrics).head, rule)
    return {
        "product": product.code,
        **({"view": view} if view else {}),
        "model_version": bank.number,
        **{key: written[key] for key in ("n_normal", "n_defect", "image_auroc", "pixel_auroc", "aupro")},
        "per_defect": {
            code: {"n": found.n, "image_auroc": found.image_auroc} for code, found in figures.per_defect.items()
        },
        "thresholds": {
            "review_at": threshold.review_at,
            "reject_at": threshold.reject_at,
            "method": threshold.method,
        },
        **{key: written[key] for key in ("confusion", "overkill", "escape")},
        # The type found first is the one that is suggested; the nearest image's own is beside it.
        "retrieval": {
            **retrieval.to_json(),
            "top1_type_accuracy": types["top1_accuracy"],
            "nearest_top1": retrieval.used.top1_type_accuracy,
        },
        "types": types,
        "ms_per_image": figures.ms_per_image,
    }


def _measure_retrieval(
    services: Services, product: Product, *, model: Detector, bank: ModelVersion, test: TestSet
) -> tuple[RetrievalFigures, VoteRule | None]:
    """Return the figures of `retrieval_measures` for the indexes in use, searched as an inspection searches.

    Also return the rule by which similar images vote for a type; None without an index of defects.
    """
    with reading(services) as session:
        versions = {
            part: active_version(session, SIMILARITY_INDEX, product.id, part, bank.view)
            for part in ("defect", "region")
        }
        used = versions["defect"] or versions["region"]
        if used is None:
            return RetrievalFigures(), None
        indexes = {
            part: services.models.similarity_index(version) if version is not None else None
            for part, version in versions.items()
        }
        ids = {int(found) for index in indexes.values() if index is not None for found in index.ids}
        types = live_types(session, ids, "defect")
    rule = read_rule(indexes["region"], indexes["defect"])
    figures = measure_retrieval(
        services,
        services.models.embedder(used.model_name),
        image_examples(
            services,
            [row for row in test.rows if row.image_type == "defect"],
            bit_depth=read_bit_depth(bank.preprocessing),
        ),
        whole=indexes["defect"],
        region=indexes["region"],
        rule=rule,
        finder=Finder(model, bank.manifest_sha256),
        type_of={found: type_id for found, type_id in types.items() if type_id is not None},
    )
    return figures, rule


def _describe_types(
    figures: DetectionFigures, retrieval: RetrievalFigures, head: HeadFigures | None, rule: VoteRule | None
) -> dict[str, Any]:
    """Return how often the type of a test defect is named first, by each way, and by the one that suggests types.

    Beside them stand the cross-validated figures by which each way was chosen.
    """
    by_head = prefers_head(head, rule) and figures.type_top1 is not None
    votes = retrieval.votes_top1
    return {
        "suggested_by": "head" if by_head else ("votes" if votes is not None else None),
        "top1_accuracy": figures.type_top1 if by_head else votes,
        "head_top1": figures.type_top1,
        "votes_top1": votes,
        "cross_validated": {
            "head": None if head is None else head.type_top1,
            "patches": None if head is None else head.patch_top1,
            "regions": None if head is None else head.region_top1,
            "votes": None if rule is None else rule.figures.get("accuracy"),
        },
    }
