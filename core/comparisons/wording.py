"""What figures, entries and differences are called: alike on the screen, in files and in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.comparisons.results import ComparisonResult, DifferenceResult, EntryResult
from core.i18n import N_
from core.methods.registry import list_methods

Say = Callable[..., str]

FIGURE_NAMES: dict[str, str] = {
    "f1": N_("F1"),
    "accuracy": N_("Accuracy"),
    "precision": N_("Precision"),
    "recall": N_("Recall"),
    "auroc": N_("AUROC"),
    "average_precision": N_("Average precision"),
    "macro_f1": N_("Type macro F1"),
    "iou": N_("Place IoU"),
    "f1_at_50": N_("Box F1 (IoU 0.5)"),
}
FIGURE_MEANINGS: dict[str, str] = {
    "f1": N_("Between precision and recall of defects; 1 is the best."),
    "accuracy": N_("Share judged rightly, good and defective."),
    "precision": N_("Share of real defects among those stopped."),
    "recall": N_("Share of the defects that were stopped."),
    "auroc": N_("How well the scores separate, at whatever threshold; 0.5 is chance."),
    "average_precision": N_("Precision over all thresholds; hangs on how many defects there are."),
    "macro_f1": N_("Mean F1 over the types, kinds of good parts included."),
    "iou": N_("How much the shown place and the marked defect overlap."),
    "f1_at_50": N_("Marked defects found by a box that overlaps by half or more."),
}
CELL_NAMES: dict[str, str] = {
    "good_passed": N_("good, passed"),
    "good_stopped": N_("good, stopped (overkill)"),
    "good_silent": N_("good, no answer"),
    "defect_stopped": N_("defective, stopped"),
    "defect_passed": N_("defective, passed (escape)"),
    "defect_silent": N_("defective, no answer"),
}
THRESHOLD_NAMES: dict[str, str] = {
    "f1_max": N_("best F1 on the validation images"),
    "percentile": N_("95th percentile of the good validation images"),
    "given": N_("given"),
}
# What is compared in words, the foremost first; the rest stands in the files.
_TOLD = ("f1", "auroc", "accuracy", "macro_f1", "iou")


def name_entry(entry: EntryResult, view_names: Mapping[str, str], say: Say) -> str:
    """Return what an entry is called: its own name or the method's title, and the views that it judges.

    `say` gives a message in the wanted language.
    """
    name = entry.name
    if name == entry.method:
        title = next((spec.title for spec in list_methods() if spec.name == entry.method), name)
        name = say(title) if title else name
    views = list(entry.members) if entry.is_combination else [entry.view] if entry.view else []
    shown = " + ".join(view_names.get(view, view) for view in views)
    return f"{name} · {shown}" if shown else name


def phrase_differences(
    result: ComparisonResult, names: Mapping[str, str], say: Say, *, figures: Sequence[str] = _TOLD
) -> list[str]:
    """Return one sentence for each pair of methods and figure, differences that are shown first.

    `names` are those of the entries by key, `say` gives a message in the wanted language.
    """
    told = [one for figure in figures for one in result.differences if one.figure == figure]
    return [phrase_difference(one, names, say) for one in sorted(told, key=lambda one: not one.is_shown)]


def phrase_difference(one: DifferenceResult, names: Mapping[str, str], say: Say) -> str:
    """Return a difference in words: which is better and by how much, or that none is shown."""
    first, second = names.get(one.one, one.one), names.get(one.other, one.other)
    figure = say(FIGURE_NAMES[one.figure]) if one.figure in FIGURE_NAMES else one.figure
    value, low, high = one.value, one.low, one.high
    if not one.is_shown:
        return say(
            "{figure}: no difference shown between {one} and {other} ({value}; 95%: {low} to {high})",
            figure=figure, one=first, other=second, value=f"{value:+.3f}", low=f"{low:+.3f}", high=f"{high:+.3f}",
        )  # fmt: skip
    if value < 0:
        first, second, value, low, high = second, first, -value, -high, -low
    return say(
        "{figure}: {one} is better than {other} by {value} (95%: {low} to {high})",
        figure=figure, one=first, other=second, value=f"{value:.3f}", low=f"{low:.3f}", high=f"{high:.3f}",
    )  # fmt: skip


# Messages whose places are filled by `phrase_difference`.
PHRASES: tuple[str, ...] = (
    N_("{figure}: no difference shown between {one} and {other} ({value}; 95%: {low} to {high})"),
    N_("{figure}: {one} is better than {other} by {value} (95%: {low} to {high})"),
)


def phrase_price(one: EntryResult, say: Say) -> str:
    """Return what asking a server cost, in words: the price of 1000 images and the tokens of all that were asked.

    Of a method that is computed here: "".
    """
    if one.bill is None:
        return ""
    tokens = say(
        "{tokens_in} tokens in, {tokens_out} tokens out",
        tokens_in=f"{one.bill.input_tokens:,}", tokens_out=f"{one.bill.output_tokens:,}",
    )  # fmt: skip
    price = one.price_per_1000_usd
    if price is None:
        return say("price not known ({tokens})", tokens=tokens)
    return say("{price} USD for 1,000 images ({tokens})", price=f"{price:,.2f}", tokens=tokens)


PRICE_PHRASES: tuple[str, ...] = (
    N_("{tokens_in} tokens in, {tokens_out} tokens out"),
    N_("price not known ({tokens})"),
    N_("{price} USD for 1,000 images ({tokens})"),
)


def rank_entries(entries: Sequence[EntryResult]) -> list[EntryResult]:
    """Return entries, those of one view together, the best F1 of each first; one without F1 last."""
    order = {view: place for place, view in enumerate(dict.fromkeys(one.view for one in entries))}

    def rank(one: EntryResult) -> tuple[int, bool, float, str]:
        f1 = one.value("f1")
        return order[one.view], f1 is None, -(f1 or 0.0), one.key

    return sorted(entries, key=rank)
