"""The part that probe and fine-tuning share: features of all images, kept by content, and the head fitted to them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.measures.classification import choose_defect_threshold, measure_classification
from inference.vision.learning.recipes.heads.feature_reader import Copies, FeatureReader
from inference.vision.learning.recipes.heads.logistic_head import FITS, LinearHead, fit_head, log_loss
from inference.vision.learning.recipes.heads.pooled_trunk import pooled_graph
from inference.vision.learning.recipes.inputs import check_labels, choose_examples, describe_classifier
from inference.vision.learning.recipes.ticking import Ticker
from inference.vision.networks.backbones import resolve_weights

if TYPE_CHECKING:
    from inference.vision.learning.recipes.contract import Example, ExampleSet, Listener, RecipeContext
    from inference.vision.learning.recipes.settings import RecipeSettings
    from inference.vision.learning.trained_network.description import NetworkDescription
    from inference.vision.networks.graphs import GraphSpec


@dataclass(frozen=True, eq=False)
class HeadTraining:
    """A head and what it was fitted on: `examples` (N,) that could be read, `rows` float32 (N, D), `truth` int64 (N,).

    `val` are the figures of validation, empty where there is none; `description` says what the head's network is;
    `seconds` what each step took.
    """

    graph: GraphSpec
    weights: Path
    description: NetworkDescription
    examples: tuple[Example, ...]
    rows: NDArray[np.float32] = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    head: LinearHead
    cross_validation: dict[str, Any] = field(repr=False)
    val: dict[str, Any] = field(repr=False)
    skipped: dict[str, str]
    seconds: dict[str, float]

    def places(self, split: str) -> NDArray[np.int64]:
        """Return the numbers of the examples of a split."""
        return np.array([place for place, one in enumerate(self.examples) if one.split == split], np.int64)

    def to_json(self) -> dict[str, Any]:
        """Return what is worth keeping, as plain values."""
        return {
            "strength": self.head.strength,
            "strengths": [list(one) for one in self.head.strengths],
            "temperature": self.head.temperature,
            "features": int(self.rows.shape[1]),
            "cross_validation": self.cross_validation,
        }


def train_head(
    examples: ExampleSet,
    settings: RecipeSettings,
    context: RecipeContext,
    *,
    recipe: str,
    scratch: Path,
    listener: Listener,
) -> HeadTraining:
    """Return the head fitted on the training images. Features lie in the context's cache, or in `scratch`.

    Raises ModelError: those of `check_labels`, `backbone_unknown`, `backbone_weights_missing`,
    `backbone_weights_mismatch`, `device_failed`; and what the listener raises.
    """
    started = time.monotonic()
    graph = pooled_graph(settings.backbone, settings.input)
    weights = resolve_weights(graph.backbone, context.weights)
    plain = describe_classifier(examples, settings, recipe=recipe, size_px=graph.size_px)
    description = replace(plain, has_activation=True, licenses={graph.backbone.title: graph.backbone.licence})
    used = choose_examples(examples)
    check_labels(examples, used)
    reader = FeatureReader(graph, weights, description, context, context.cache or scratch / "features")
    copies = Copies.of(settings, examples.modality)
    skipped: dict[str, str] = {}
    found = reader.read(used, copies, skipped, listener)
    readable = tuple(one for one in used if one.key not in skipped)
    check_labels(examples, readable)
    read_s = time.monotonic() - started
    place_of = {label: place for place, label in enumerate(examples.labels)}
    truth = np.array([place_of[one.label] for one in readable], np.int64)
    rows = np.stack([found[one.key][0] for one in readable])
    train = [place for place, one in enumerate(readable) if one.split == "train"]
    held = [place for place, one in enumerate(readable) if one.split == "val"]
    learned = np.concatenate([rows[train], *(np.stack(found[readable[place].key][1:]) for place in train if copies)])
    origin = np.concatenate([np.arange(len(train)), np.repeat(np.arange(len(train)), copies.count)]).astype(np.int64)
    given = np.array([readable[place].weight for place in train], np.float64)
    head = fit_head(
        learned,
        truth[train][origin],
        [readable[train[place]].part for place in origin],
        (given / given.mean() / (1 + copies.count))[origin],
        count=len(examples.labels),
        seed=settings.seed,
        ticker=Ticker(listener, "fit", FITS),
        held_out=(rows[held], truth[held]),
    )
    val = (
        measure_examples(examples, [readable[place] for place in held], head.probabilities(rows[held])) if held else {}
    )
    if held:
        val["log_loss"] = log_loss(np.log(head.probabilities(rows[held]).clip(1e-12)), truth[held])
    unseen = head.unseen[: len(train)]
    crossed = measure_examples(examples, [readable[place] for place in train], unseen)
    chosen = [readable[place] for place in held] or [readable[place] for place in train]
    shares = head.probabilities(rows[held]) if held else unseen
    return HeadTraining(
        graph=graph,
        weights=weights,
        description=replace(description, threshold=choose_threshold(examples, chosen, shares)),
        examples=readable,
        rows=rows,
        truth=truth,
        head=head,
        cross_validation=crossed,
        val=val,
        skipped=skipped,
        seconds={"features": read_s, "fit": time.monotonic() - started - read_s},
    )


def choose_threshold(examples: ExampleSet, chosen: Sequence[Example], probabilities: np.ndarray) -> float:
    """Return the defects' share of probability from which a part is defective: best F1 on these images, else .5."""
    is_defect = np.array([label not in examples.good_labels for label in examples.labels], np.bool_)
    scores = probabilities[:, is_defect].sum(axis=1)
    found = choose_defect_threshold(scores, [one.label not in examples.good_labels for one in chosen])
    return 0.5 if found is None else found


def measure_examples(examples: ExampleSet, chosen: Sequence[Example], probabilities: np.ndarray) -> dict[str, Any]:
    """Return the figures of probabilities, (N, K), of these images, as plain values."""
    figures = measure_classification(
        examples.labels,
        examples.good_labels,
        [one.label for one in chosen],
        probabilities,
        [one.domain for one in chosen],
    )
    return figures.to_json()
