"""What is in a dataset version, and what speaks against learning and measuring by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from core.datasets.records import FrozenImage
from core.datasets.report_records import DatasetReport, SizeCount
from core.datasets.splits import SPLITS, Split

# A class with so many times fewer training images than the largest is hardly learned.
_UNEVEN = 10.0
_FEWEST_TEST_PARTS = 10
_MOST_NAMES = 20
_MOST_SIZES = 8


def make_report(
    images: Sequence[FrozenImage],
    *,
    pixel_hashes: Sequence[str],
    leaking_parts: Sequence[str],
    has_kinds: bool,
    suspected: int,
    sizes: Sequence[tuple[int, int]] = (),
    near_copies: int = 0,
    least_images: int = 1,
) -> DatasetReport:
    """Return what is in these images, in whose order `pixel_hashes` and `sizes` (width, height in pixels) are.

    `has_kinds` says whether the product has kinds of good parts, `suspected` how many good images wait for a person to
    say whether they are good, `near_copies` how many show nearly the same as one in another split. A label with fewer
    than `least_images` training images is named.
    """
    counts: dict[Split, dict[str, int]] = {split: {} for split in SPLITS}
    domains: dict[Split, dict[str, int]] = {split: {} for split in SPLITS}
    parts: dict[Split, set[str]] = {split: set() for split in SPLITS}
    for image in images:
        counts[image.split][image.label] = counts[image.split].get(image.label, 0) + 1
        parts[image.split].add(image.part)
        domains[image.split][image.domain] = domains[image.split].get(image.domain, 0) + 1
    good = tuple(sorted({image.label for image in images if not image.is_defect}))
    classes = sorted(counts["train"].values())
    imbalance = classes[-1] / classes[0] if len(classes) > 1 else None
    same = Counter(pixel_hashes)
    unlabeled = sum(1 for image in images if has_kinds and not image.is_defect and image.label == "good")
    report = DatasetReport(
        counts={split: dict(sorted(own.items())) for split, own in counts.items()},
        parts={split: len(own) for split, own in parts.items()},
        views=dict(sorted(Counter(image.view for image in images).items())),
        good_labels=good,
        imbalance=imbalance,
        duplicates=sum(count for count in same.values() if count > 1),
        leaks=len(leaking_parts),
        leaking_parts=tuple(leaking_parts[:_MOST_NAMES]),
        unlabeled=unlabeled,
        suspected=suspected,
        unmarked=sum(1 for image in images if image.is_defect and not image.mask_sha256),
        domains={split: dict(sorted(own.items())) for split, own in domains.items()},
        sizes=_count_sizes(sizes),
        near_copies=near_copies,
        few=tuple(
            label for label in sorted({image.label for image in images}) if counts["train"].get(label, 0) < least_images
        ),
    )
    return _with_warnings(report)


def _count_sizes(sizes: Sequence[tuple[int, int]]) -> tuple[SizeCount, ...]:
    frequent = sorted(Counter(sizes).items(), key=lambda one: (-one[1], one[0]))
    shown = [SizeCount(*size, count) for size, count in frequent[:_MOST_SIZES]]
    rest = sum(count for _size, count in frequent[_MOST_SIZES:])
    return (*shown, SizeCount(0, 0, rest)) if rest else tuple(shown)


def _with_warnings(report: DatasetReport) -> DatasetReport:
    missing = {label for label in report.labels if not report.counts["train"].get(label)}
    has_good = bool(report.good_labels)
    has_defects = len(report.labels) > len(report.good_labels)
    is_mixed = has_good and has_defects
    found = [
        ("dataset_warns_leaks", report.leaks > 0),
        ("dataset_warns_duplicates", report.duplicates > 0),
        ("dataset_warns_near_copies", report.near_copies > 0),
        ("dataset_warns_suspected", report.suspected > 0),
        ("dataset_warns_unlabeled", report.unlabeled > 0),
        ("dataset_warns_uneven", report.imbalance is not None and report.imbalance >= _UNEVEN),
        ("dataset_warns_unlearned", bool(missing)),
        ("dataset_warns_few", bool(set(report.few) - missing)),
        ("dataset_warns_no_good", not has_good),
        ("dataset_warns_no_defects", not has_defects and len(report.good_labels) > 1),
        (
            "dataset_warns_no_test",
            (is_mixed or len(report.labels) < 2)
            and (not report.count("test", defect=True) or not report.count("test", defect=False)),
        ),
        ("dataset_warns_small_test", 0 < report.parts["test"] < _FEWEST_TEST_PARTS),
        ("dataset_warns_no_val_defects", is_mixed and not report.count("val", defect=True)),
        ("dataset_warns_no_val_good", is_mixed and not report.count("val", defect=False)),
    ]
    return replace(report, warnings=tuple(code for code, applies in found if applies))
