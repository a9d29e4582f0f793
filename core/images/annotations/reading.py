"""Reads annotation files of any format, and says of each image of the upload what they mark in it.

Coordinates are those of the image as it is shown. Where the size that a file gives is that of the pixels as they lie
in a file with an EXIF rotation, and not that of the shown image, the regions are turned along with it; a file that
gives no size was drawn on the shown image, because that is what people draw on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from core.errors import AppError
from core.images.annotations import coco, cvat, deeppcb, label_studio, labelme, shapes, voc, yolo
from core.images.annotations.finding import IMAGE_ENDINGS, Files, image_of_board, image_of_text
from core.images.annotations.matching import ImageFinder, split_in
from core.images.annotations.records import (
    MOST_REGIONS,
    AnnotatedImage,
    AnnotationError,
    AnnotationFile,
    AnnotationProblem,
    Annotations,
    FileEntry,
    Mark,
)
from core.images.annotations.reports import Report
from core.images.annotations.sizes import ImageSize, measure
from core.images.annotations.voc_masks import add_class_mask, is_class_mask
from core.images.annotations.voc_splits import VocSplits
from core.images.regions.records import Region

_READERS: dict[str, Callable[[bytes, Report], Iterator[FileEntry]]] = {
    "coco": coco.read_coco,
    "voc": voc.read_voc,
    "labelme": labelme.read_labelme,
    "cvat": cvat.read_cvat,
    "label_studio": label_studio.read_label_studio,
}
_NAMED_ALIKE = frozenset({"voc", "labelme"})


@dataclass
class _Image:
    """What is gathered of one image from all files."""

    marks: list[Mark] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    complete: bool = False
    lost: bool = False
    twice: bool = False


def read_annotations(
    found: Sequence[AnnotationFile], files: Files, *, is_good_word: Callable[[str], bool]
) -> Annotations:
    """Return what the annotation files say of the images among `files`.

    `is_good_word` says whether a label means a good part. An image that shares its folder with annotated ones and has
    no annotation itself is listed, too, with nothing known of it.
    """
    return _Reading(files, is_good_word).read(found)


class _Reading:
    """One reading: the files, the sizes that were measured, what is gathered by image."""

    def __init__(self, files: Files, is_good_word: Callable[[str], bool]) -> None:
        self._files = files
        self._is_good_word = is_good_word
        pictures = [path for path in files if path.lower().endswith(IMAGE_ENDINGS)]
        self._masks = frozenset(path for path in pictures if is_class_mask(path))
        self._paths = [path for path in pictures if path not in self._masks]
        self._finder = ImageFinder(self._paths)
        self._images: dict[str, _Image] = {}
        self._problems: list[AnnotationProblem] = []
        self._sizes: dict[str, ImageSize | None] = {}
        self._names: dict[str, dict[int, str]] = {}
        self._unnamed: set[str] = set()
        self._voc_splits = VocSplits(files)

    def read(self, found: Sequence[AnnotationFile]) -> Annotations:
        for file in found:
            report = Report(file.path)
            try:
                for entry in self._entries(file, report):
                    self._take(file, entry, report)
            except AnnotationError as error:
                report.add_error(error)
            except AppError as error:  # of the archive: this entry is damaged
                self._problems.append(AnnotationProblem(file.path, error.code, dict(error.params)))
            except OSError:
                report.add("annotation_damaged")
            self._problems += report.problems()
        images = {path: self._conclude(image) for path, image in self._images.items()}
        masks = self._masks if any(file.format == "voc" for file in found) else frozenset()
        lists = frozenset(self._voc_splits.lists)
        return Annotations(images | self._neighbors(images), tuple(self._problems), masks | lists)

    def _entries(self, file: AnnotationFile, report: Report) -> Iterator[FileEntry]:
        data = self._files[file.path]()
        if file.format in _READERS:
            for entry in _READERS[file.format](data, report):
                yield add_class_mask(entry, file.path, self._files, report) if file.format == "voc" else entry
            return
        lookup = image_of_board if file.format == "deeppcb" else image_of_text
        images = lookup(file.path, self._finder)
        if len(images) != 1:
            report.add("annotation_image_ambiguous" if images else "annotation_image_missing", image=file.path)
            return
        if file.format == "deeppcb":
            yield deeppcb.read_deeppcb(data, report, image=images[0])
            return
        names = self._names_for(file, report) if data.strip() else {}
        if data.strip() and not names:
            # Numbers are no types. The image is known to show something, and nobody knows what.
            yield FileEntry(images[0], lost=True)
            return
        size = self._size(images[0])
        if size is None:
            report.add("annotation_image_unreadable", image=images[0])
            return
        yield yolo.read_yolo(
            data, report, image=images[0], names=names, width_px=size.width_px, height_px=size.height_px
        )

    def _names_for(self, file: AnnotationFile, report: Report) -> dict[int, str]:
        for path in file.companions:
            if path not in self._names:
                try:
                    self._names[path] = yolo.read_names(self._files[path](), path)
                except (AnnotationError, AppError, OSError):
                    self._names[path] = {}
            if self._names[path]:
                return self._names[path]
        folder = file.path.rpartition("/")[0]
        if folder not in self._unnamed:
            self._unnamed.add(folder)
            report.add("annotation_names_missing", folder=folder or ".")
        return {}

    def _take(self, file: AnnotationFile, entry: FileEntry, report: Report) -> None:
        """Add what one file says of one image to what is known of it."""
        try:
            path = self._find(entry.name, file)
        except AnnotationError as error:
            report.add(error.code, image=entry.name)
            return
        image = self._of(path)
        if file.path in image.files:
            report.add("annotation_image_twice", image=entry.name)
            image.lost = True
            return
        if image.files and image.marks and entry.marks:
            # Two files that both mark it may say the same twice, or two things.
            report.add("annotation_in_two_files", image=entry.name, other=image.files[0])
            image.files.append(file.path)
            return
        image.files.append(file.path)
        marks, lost = self._place(entry, path, report)
        image.marks += marks
        image.lost |= lost or entry.lost
        image.complete |= entry.is_complete
        image.notes += entry.notes
        image.labels += [entry.label] if entry.label else []
        split = self._split(file, entry)
        image.splits += [split] if split else []

    def _split(self, file: AnnotationFile, entry: FileEntry) -> str:
        if file.format == "voc":
            return self._voc_splits.of(file.path)
        return split_in(entry.split) if entry.split else split_in(file.path) if file.format == "coco" else ""

    def _find(self, name: str, file: AnnotationFile) -> str:
        try:
            return self._finder.find(name, near=file.path)
        except AnnotationError:
            if file.format not in _NAMED_ALIKE:
                raise
            # These have the name of their image, whatever name stands in them.
            return self._finder.like(file.path)

    def _place(self, entry: FileEntry, path: str, report: Report) -> tuple[list[Mark], bool]:
        """Return the marks as the image is shown, cut to it; and whether one was lost."""
        if not entry.marks:
            return [], False
        size = self._size(path)
        if size is None:
            return list(entry.marks), False  # it will be refused when it is taken in, and said why
        given = (entry.width_px, entry.height_px)
        shown = (size.width_px, size.height_px)
        orientation = 1
        if given != (0, 0) and given != shown:
            if given != size.stored:
                report.add(
                    "annotation_size_differs",
                    image=entry.name,
                    width_px=given[0],
                    height_px=given[1],
                    image_width_px=shown[0],
                    image_height_px=shown[1],
                )
                return [], True
            orientation = size.orientation
        placed: list[Mark] = []
        lost = False
        if len(entry.marks) > MOST_REGIONS:
            report.add("annotation_too_many", image=entry.name, limit=MOST_REGIONS)
            return [], True
        for mark in entry.marks:
            region = shapes.turn(mark.region, orientation, width_px=size.stored[0], height_px=size.stored[1])
            if region.shape == "mask" and sum(region.counts) != shown[0] * shown[1]:
                report.add("annotation_shape_wrong", image=entry.name)
                lost = True
                continue
            kept, is_cut = shapes.fit(region, width_px=shown[0], height_px=shown[1])
            if kept is None:
                report.add("annotation_outside", image=entry.name)
                lost = True
                continue
            if is_cut:
                report.add("annotation_cut", image=entry.name)
            placed.append(replace(mark, region=kept))
        return placed, lost

    def _conclude(self, image: _Image) -> AnnotatedImage:
        """Return what is known of an image: its type is the one that covers most of it."""
        bad = [mark for mark in image.marks if not self._is_good_word(mark.type_name)]
        labels = list(dict.fromkeys(image.labels))
        splits = set(image.splits)
        about = {
            "split": next(iter(splits)) if len(splits) == 1 else "",
            "notes": tuple(dict.fromkeys(image.notes)),
            "files": tuple(image.files),
        }
        if bad:
            regions: tuple[Region, ...] = tuple(replace(mark.region, type_name=mark.type_name) for mark in bad)
            return AnnotatedImage(regions, is_good=False, label=_largest(bad), **about)  # type: ignore[arg-type]
        if image.lost or len(labels) > 1:
            return AnnotatedImage(**about)  # type: ignore[arg-type]
        if labels and not self._is_good_word(labels[0]):
            return AnnotatedImage(is_good=False, label=labels[0], **about)  # type: ignore[arg-type]
        is_good = True if labels or image.marks or image.complete else None
        return AnnotatedImage(is_good=is_good, label=labels[0] if labels else "", **about)  # type: ignore[arg-type]

    def _neighbors(self, images: dict[str, AnnotatedImage]) -> dict[str, AnnotatedImage]:
        """Return the images that lie among annotated ones and are in no file."""
        folders = {path.rpartition("/")[0] for path in images}
        about = {path.rpartition("/")[0]: image.files for path, image in images.items()}
        return {
            path: AnnotatedImage(files=about[folder])
            for path in self._paths
            if path not in images and (folder := path.rpartition("/")[0]) in folders
        }

    def _of(self, path: str) -> _Image:
        return self._images.setdefault(path, _Image())

    def _size(self, path: str) -> ImageSize | None:
        if path not in self._sizes:
            try:
                self._sizes[path] = measure(self._files[path]())
            except (OSError, AppError):
                self._sizes[path] = None
        return self._sizes[path]


def _largest(marks: Sequence[Mark]) -> str:
    """Return the type that covers most of the image, the first marked of two that cover the same."""
    covered: dict[str, float] = {}
    for mark in marks:
        covered[mark.type_name] = covered.get(mark.type_name, 0.0) + shapes.area(mark.region)
    return max(covered, key=lambda name: covered[name])
