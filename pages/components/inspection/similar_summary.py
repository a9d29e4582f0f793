"""What the similar images say, in words: of which types they are, and how alike each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.similarity.closeness import LIKENESS_NAMES, name_likeness
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, defect_name, escape, number, percent

if TYPE_CHECKING:
    from core.similarity.matches import Similar


def summarize(found: Sequence[Similar]) -> str:
    """Return of how many types the similar defects are, the most frequent first, as Markdown; "" for none."""
    if not found:
        return ""
    counts = Counter(defect_name(similar.defect_type) for similar in found)
    (name, most), *others = counts.most_common()
    if not others:
        everything = _("**All {total} are {name}**", total=len(found), name=escape(name))
        said = everything if most > 1 else f"**{escape(name)}**"
    else:
        said = _("**{count} of {total} are {name}**", count=most, total=len(found), name=escape(name))
        rest = ", ".join(f"{escape(other)}\N{NO-BREAK SPACE}{number(count)}" for other, count in others)
        said += "  \n" + _("The others: {names}", names=rest)
    rated = [similar.closeness for similar in found if similar.closeness is not None]
    if rated and name_likeness(max(rated)) == "different":
        said += "  \n" + _("None of them is really alike.")
    return said


def describe_closeness(similar: Similar) -> str:
    """Return how alike an image is, in a word and a number; its similarity in percent where there is no scale."""
    if similar.closeness is None:
        return percent(similar.similarity)
    word = label_of(LIKENESS_NAMES, name_likeness(similar.closeness))
    return f"{word} ({number(similar.closeness)})"


def explain_closeness(found: Sequence[Similar]) -> str | None:
    """Return what the numbers of these images mean; None without any."""
    if not found:
        return None
    if all(similar.closeness is None for similar in found):
        return _("The cosine similarity of the images: there was no scale of this product's own for this search.")
    return _(
        "How alike, from 0 to 100, on this product's own scale. 0: no more alike than images of this product that have "
        "nothing to do with each other. 75: as alike as an image and the nearest of its kind mostly are. "
        "100: the same picture. The cosine similarity stands in the details of each image."
    )
