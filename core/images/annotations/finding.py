"""Finds annotation files among the files of an upload: by their names first, by their content where they may be any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

from core.images.annotations.coco import is_coco
from core.images.annotations.deeppcb import looks_like_deeppcb
from core.images.annotations.documents import check_size, read_json, read_text
from core.images.annotations.label_studio import is_label_studio
from core.images.annotations.labelme import is_labelme
from core.images.annotations.matching import ImageFinder
from core.images.annotations.records import AnnotationError, AnnotationFile, AnnotationFormat
from core.images.annotations.yolo import NAME_FILES, NAME_LISTS, looks_like_yolo

Files = Mapping[str, Callable[[], bytes]]
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_HEAD_CHARACTERS = 4_096


def find_annotations(files: Files) -> list[AnnotationFile]:
    """Return the files that annotate images, in order of their paths.

    `files` are all files of the upload with what reads each. A file that cannot be read is in none of the formats.
    """
    finder = ImageFinder(path for path in files if path.lower().endswith(IMAGE_ENDINGS))
    names = sorted(path for path in files if PurePosixPath(path).name.lower() in (*NAME_FILES, *NAME_LISTS))
    found: list[AnnotationFile] = []
    for path in sorted(files):
        ending = PurePosixPath(path).suffix.lower()
        if ending == ".json":
            kind = _kind_of_json(files[path])
        elif ending == ".xml":
            kind = _kind_of_xml(files[path])
        elif ending == ".txt" and path not in names:
            kind = _kind_of_text(path, files[path], finder)
        else:
            continue
        if kind is not None:
            companions = _companions(path, names) if kind == "yolo" else ()
            found.append(AnnotationFile(path, kind, companions))
    return found


def image_of_text(path: str, finder: ImageFinder) -> list[str]:
    """Return the images that a text file of the YOLO format may be about: beside it, or in `images` for `labels`."""
    stem = path.rsplit(".", 1)[0]
    beside = finder.with_stem(stem)
    if beside:
        return beside
    folders = stem.split("/")
    places = [place for place, folder in enumerate(folders[:-1]) if folder.lower() in {"labels", "label"}]
    for place in reversed(places):
        for name in ("images", "image", "imgs", "img"):
            found = finder.with_stem("/".join([*folders[:place], name, *folders[place + 1 :]]))
            if found:
                return found
    return []


def image_of_board(path: str, finder: ImageFinder) -> list[str]:
    """Return the image that a text file of DeepPCB is about: `1/1_not/0.txt` is of `1/1/0_test.jpg`."""
    folder, _, name = path.rpartition("/")
    stem = name.rsplit(".", 1)[0]
    above, _, own = folder.rpartition("/")
    folders = [folder]
    if own.lower().endswith("_not"):
        folders.insert(0, f"{above}/{own[:-4]}" if above else own[:-4])
    for place in folders:
        for wanted in (f"{stem}_test", stem):
            found = finder.with_stem(f"{place}/{wanted}" if place else wanted)
            if found:
                return found
    return []


def _kind_of_json(read: Callable[[], bytes]) -> AnnotationFormat | None:
    data = _bytes_of(read)
    head = data[:_HEAD_CHARACTERS].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith((b"{", b"[")):
        return None
    try:
        value = read_json(data)
    except AnnotationError:
        # Broken, but it names what it was meant to be: then it is said that it is broken.
        return _meant_kind(data)
    if is_labelme(value):
        return "labelme"
    if is_coco(value):
        return "coco"
    return "label_studio" if is_label_studio(value) else None


def _meant_kind(data: bytes) -> AnnotationFormat | None:
    words: dict[AnnotationFormat, tuple[bytes, ...]] = {
        "labelme": (b'"shapes"', b'"imagePath"'),
        "coco": (b'"images"', b'"file_name"'),
        "label_studio": (b'"annotations"', b'"result"'),
    }
    return next((kind for kind, wanted in words.items() if all(word in data for word in wanted)), None)


def _kind_of_xml(read: Callable[[], bytes]) -> AnnotationFormat | None:
    head = _bytes_of(read)[:_HEAD_CHARACTERS]
    if b"<annotations" in head:
        return "cvat"
    return "voc" if b"<annotation" in head else None


def _kind_of_text(path: str, read: Callable[[], bytes], finder: ImageFinder) -> AnnotationFormat | None:
    is_board, is_image = bool(image_of_board(path, finder)), bool(image_of_text(path, finder))
    if not is_board and not is_image:
        return None
    data = _bytes_of(read)
    try:
        check_size(data)
        text = read_text(data)
    except AnnotationError:
        return None
    if is_board and looks_like_deeppcb(text):
        return "deeppcb"
    folders = path.lower().split("/")[:-1]
    is_empty = not text.strip()
    if is_image and (looks_like_yolo(text) or (is_empty and {"labels", "label"} & set(folders))):
        return "yolo"
    return None


def _companions(path: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the file of names that counts for a text file: in its folder or the nearest above, YAML first."""
    around: list[tuple[int, int, str]] = []
    for name in names:
        folder = name.rpartition("/")[0]
        if not folder or path.startswith(f"{folder}/"):
            base = PurePosixPath(name).name.lower()
            order = (*NAME_FILES, *NAME_LISTS).index(base)
            around.append((0 if base in NAME_FILES else 1, -len(folder) * 100 + order, name))
    return tuple(name for _kind, _order, name in sorted(around))


def _bytes_of(read: Callable[[], bytes]) -> bytes:
    from core.errors import AppError

    try:
        return read()
    except (OSError, AppError):
        return b""
