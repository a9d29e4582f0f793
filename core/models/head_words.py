"""What labeled defects have taught a memory bank, in sentences: for the page and the terminal alike."""

from __future__ import annotations

from collections.abc import Mapping

from core.i18n import N_, translate
from core.models.head_figures import HeadFigures

# `inference.vision.detection.defect_head.training.FEWEST_DEFECTS`, without loading what trains.
FEWEST_LABELED = 5
# With fewer labeled defects the figures of a cross-validation say little.
STEADY_LABELED = 20
_RESTRAINTS: dict[str, str] = {
    "no_gain": N_(
        "They name the type of a defect but raise no score: known defects are found no better with them (AUROC {plain} "
        "without; 1 is perfect, 0.5 is chance)."
    ),
    "unknown_types_lose": N_(
        "They name the type of a defect but raise no score: a type that nobody has labeled yet would be found less "
        "well (AUROC {plain} without them; 1 is perfect, 0.5 is chance)."
    ),
}


def head_sentences(head: HeadFigures, names: Mapping[int, str], language: str) -> list[str]:
    """Return what the model learned from and what it gains; `names` are those of the defect types by their ids."""
    lines = [_say_taught(head, names, language), _say_gain(head, language)]
    if head.type_top1 is not None:
        lines.append(
            translate(language, N_("They name the right type for {share}% of these defects (cross-validated).")).format(
                share=f"{100 * head.type_top1:.0f}"
            )
        )
    if head.patch_top1 is not None and head.region_top1 is not None:
        said = N_(
            "By the patches of the image alone it would be {patches}%, by the defective region cut out at full "
            "resolution alone {regions}%: what cross-validation trusts most is used, or both together."
        )
        lines.append(
            translate(language, said).format(
                patches=f"{100 * head.patch_top1:.0f}", regions=f"{100 * head.region_top1:.0f}"
            )
        )
    return [line for line in lines if line]


def head_advice(head: HeadFigures, language: str) -> list[str]:
    """Return how far the figures can be trusted, and what would make them better."""
    lines = []
    if head.type_top1 is None and head.raises:
        lines.append(
            translate(
                language,
                N_(
                    "Only one type is labeled, so nobody can say how other types fare: scores are raised with caution. "
                    "Label a second type."
                ),
            )
        )
    if head.n_defect < STEADY_LABELED:
        lines.append(
            translate(
                language,
                N_("With {count} labeled defects these figures move a lot; from about {steady} on they are steadier."),
            ).format(count=head.n_defect, steady=STEADY_LABELED)
        )
    if head.n_marked < head.n_defect:
        lines.append(
            translate(
                language,
                N_("{count} of them have no mask: with one, the model learns from the very place of the defect."),
            ).format(count=head.n_defect - head.n_marked)
        )
    return lines


def left_out_sentence(head: HeadFigures, names: Mapping[int, str], language: str) -> str:
    """Return how each type is found when it was left out of the teaching; empty where none was."""
    if not head.left_out:
        return ""
    types = ", ".join(
        f"{type_name(number, names)} {found.plain:.3f} → {found.raised:.3f}" for number, found in head.left_out.items()
    )
    said = N_(
        "A type that nobody had labeled would be found with (AUROC without → with the other labeled types): {types}."
    )
    return translate(language, said).format(types=types)


def label_advice(n_labeled: int, head: HeadFigures | None, language: str) -> str:
    """Return what to do where a bank has learned nothing from its `n_labeled` defects; else an empty string."""
    if head is not None or n_labeled == 0:
        return ""
    if n_labeled < FEWEST_LABELED:
        said = N_(
            "Labeled defects so far: {count}. Label at least {fewest}, with masks if you can, and the next deployment "
            "learns from them."
        )
    else:
        said = N_(
            "The {count} labeled defects set the thresholds only. Nothing else was learned from them: this kind of "
            "model does not, there were fewer than 4 normal images, or an older version of the program built it (then "
            "deploy again)."
        )
    return translate(language, said).format(count=n_labeled, fewest=FEWEST_LABELED)


def type_name(number: int, names: Mapping[int, str]) -> str:
    """Return the name of a defect type; its number where it is gone."""
    return names.get(number, f"#{number}")


def _say_taught(head: HeadFigures, names: Mapping[int, str], language: str) -> str:
    types = ", ".join(f"{type_name(number, names)} {count}" for number, count in head.counts.items())
    return translate(
        language, N_("Learned from {count} labeled defects ({types}), {marked} of them with a mask.")
    ).format(count=head.n_defect, types=types, marked=head.n_marked)


def _say_gain(head: HeadFigures, language: str) -> str:
    plain = "–" if head.auroc_plain is None else f"{head.auroc_plain:.3f}"
    if head.restraint is not None:
        said = _RESTRAINTS.get(head.restraint)
        return "" if said is None else translate(language, said).format(plain=plain)
    raised = "–" if head.auroc_raised is None else f"{head.auroc_raised:.3f}"
    return translate(
        language,
        N_(
            "Known defects raise the score: AUROC {plain} without the labeled defects → {raised} with them "
            "(cross-validated, parts kept together; 1 is perfect, 0.5 is chance)."
        ),
    ).format(plain=plain, raised=raised)
