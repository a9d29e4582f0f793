"""The card of an exported network: what it is, how good it was on which images, what it is not to be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.i18n import N_, translate
from core.images.domains import DOMAIN_NAMES
from storage.json_fields import read_float, read_object

if TYPE_CHECKING:
    from core.model_exports.sources import NetworkSource
    from inference.vision.learning.export.documents import ClassWords
    from inference.vision.learning.export.package import ExportedNetwork
    from inference.vision.learning.trained_network.description import NetworkDescription

FIGURE_NAMES: Mapping[str, str] = {
    "n": N_("Images"),
    "top1": N_("Top-1 accuracy"),
    "top5": N_("Top-5 accuracy"),
    "macro_f1": N_("Macro F1"),
    "miou": N_("Mean IoU of types"),
    "mask_iou": N_("IoU of all marked places"),
    "map50": N_("mAP (IoU 0.5)"),
    "map50_95": N_("mAP (IoU 0.5 to 0.95)"),
    "overkill": N_("Good parts called defective"),
    "escape": N_("Defective parts called good"),
}
TASK_NAMES: Mapping[str, str] = {
    "classification": N_("Classification"),
    "segmentation": N_("Segmentation"),
    "detection": N_("Detection"),
}
_DOMAIN_NAMES: Mapping[str, str] = {**DOMAIN_NAMES, "": N_("not said")}
_PROOF = N_(
    "Proof: on {count} images the runtimes give what the network gives in Geomsa (largest difference of any "
    "probability: {proof})."
)
_LIMITS = (
    N_(
        "It knows the classes above and nothing else: what it was never shown it may take for good. In Geomsa the "
        "verdict stays with the anomaly score, and this network may only hold a part back."
    ),
    N_(
        "The figures hold for images like those of its dataset version: the same product, view, camera and light. "
        "Measure again when any of these changes."
    ),
    N_("Its probabilities are not calibrated to your line's defect rate."),
)
_FILES = (
    ("`preprocessing.json`", N_("every step from the bytes of a file to the input, and what the outputs mean")),
    ("`classes.json`", N_("the classes in the order of the outputs, with both names")),
    (
        "`vectors/`",
        N_(
            "eight images with the input and outputs that they must give; they are images of the dataset version: "
            "share them only with those who may see them"
        ),
    ),
    ("`LICENSES.txt`, `parity.json`, `manifest.json`", N_("licenses, figures of the proof, hashes of all files")),
)


def write_card(
    source: NetworkSource,
    description: NetworkDescription,
    classes: Sequence[ClassWords],
    made: ExportedNetwork,
    *,
    export_format: str,
    language: str,
) -> str:
    """Return the card as Markdown in a language."""
    return _Card(source, description, classes, made, export_format, language).write()


class _Card:
    """One card in the making."""

    def __init__(
        self,
        source: NetworkSource,
        description: NetworkDescription,
        classes: Sequence[ClassWords],
        made: ExportedNetwork,
        export_format: str,
        language: str,
    ) -> None:
        self._source, self._description, self._classes, self._made = source, description, classes, made
        self._format, self._language = export_format, language

    def write(self) -> str:
        """Return the card."""
        parts = [f"# {_plain(self._source.name)}", self._facts(), *self._figures(), self._limits(), self._use()]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _say(self, msgid: str, **params: object) -> str:
        return translate(self._language, msgid).format(**params)

    def _facts(self) -> str:
        source, description = self._source, self._description
        product = source.product.name if self._language == "ko" else source.product.name_en or source.product.name
        names = [one.name_ko if self._language == "ko" else one.name_en for one in self._classes]
        rows = [
            (N_("Product"), f"{product} ({source.product.code})"),
            (N_("Task"), self._say(TASK_NAMES[description.task])),
            (N_("Recipe"), f"{description.recipe} · {description.backbone}".strip(" ·")),
            (N_("Training run"), source.reference),
            (
                N_("Dataset version"),
                f"{source.dataset_number} · {source.dataset_hash[:12]}" if source.dataset_number else "–",
            ),
            (
                N_("Trained on"),
                f"{source.run.finished_at:%Y-%m-%d}" if source.run is not None and source.run.finished_at else "–",
            ),
            (N_("Classes"), ", ".join(names)),
            (N_("Input"), f"{description.width_px} × {description.height_px} px, RGB, uint8"),
            (N_("Threshold"), f"{description.threshold:.3f}"),
            (N_("Manifest of the network (SHA-256)"), f"`{source.stored.manifest_sha256}`"),
        ]
        return _table(["", ""], [[self._say(name), _plain(value)] for name, value in rows])

    def _figures(self) -> list[str]:
        run = self._source.run
        found = [f"## {self._say(N_('Figures'))}"]
        val, test = read_object(run.val if run else {}), read_object(run.test if run else {})
        names = [name for name in FIGURE_NAMES if name in val or name in test]
        if not names:
            return [*found, self._say(N_("No figures are kept with this network."))]
        head = [
            "",
            self._say(N_("Validation (the best epoch was chosen by it)")),
            self._say(N_("Test (looked at once)")),
        ]
        rows = [[self._say(FIGURE_NAMES[name]), _number(val.get(name)), _number(test.get(name))] for name in names]
        found.append(_table(head, rows))
        found += self._by_class(read_object(test.get("per_class")) or read_object(val.get("per_class")))
        found += self._by_domain(read_object(test.get("per_domain")))
        proof = ", ".join(f"{one.runtime} {one.difference:.1e}" for one in self._made.parity.runtimes)
        found.append(self._say(_PROOF, count=self._made.parity.images, proof=proof))
        return found

    def _by_class(self, per_class: Mapping[str, Any]) -> list[str]:
        if not per_class:
            return []
        names = {one.label: one.name_ko if self._language == "ko" else one.name_en for one in self._classes}
        columns = [
            name for name in ("n", "precision", "recall", "f1", "iou", "ap50", "ap50_95")
            if any(name in read_object(one) for one in per_class.values())
        ]  # fmt: skip
        rows = [
            [_plain(names.get(label, label)), *(_number(read_object(one).get(name)) for name in columns)]
            for label, one in per_class.items()
        ]
        return [_table([self._say(N_("Class")), *columns], rows)]

    def _by_domain(self, per_domain: Mapping[str, Any]) -> list[str]:
        if len(per_domain) < 2:
            return []
        columns = [name for name in FIGURE_NAMES if any(name in read_object(one) for one in per_domain.values())]
        rows = [
            [
                self._say(_DOMAIN_NAMES[domain]) if domain in _DOMAIN_NAMES else _plain(domain),
                *(_number(read_object(one).get(name)) for name in columns),
            ]
            for domain, one in per_domain.items()
        ]
        head = [self._say(N_("Where the images were taken")), *(self._say(FIGURE_NAMES[name]) for name in columns)]
        return [_table(head, rows)]

    def _limits(self) -> str:
        return f"## {self._say(N_('Limits'))}\n\n" + "\n".join(f"- {self._say(line)}" for line in _LIMITS)

    def _use(self) -> str:
        lines = [f"- {names}: {self._say(meaning)}" for names, meaning in _FILES]
        commands = ["pip install -r clients/python/requirements.txt", "python clients/python/predict.py . --check"]
        commands.append("python clients/python/predict.py . IMAGE")
        if self._format == "onnx":
            commands += ["cd clients/javascript && npm install", "node predict.js ../.. --check"]
        block = "\n".join(["```sh", *commands, "```"])
        return f"## {self._say(N_('Use'))}\n\n" + "\n".join(lines) + f"\n\n{block}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = read_float(value)
    return "–" if found is None else f"{found:.3f}"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    joined = " ".join(text.split())
    return "".join(f"\\{one}" if one in "|<>[]*_#" else one for one in joined)
