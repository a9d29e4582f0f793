"""Which file of an upload an annotation means: programs write a name, or a path of the machine that they ran on."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from core.images.annotations.records import AnnotationError

_ENDINGS = ("jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp")
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def split_in(path: str) -> str:
    """Return the split that a path's folders or the words of its name say; empty for none, or for several."""
    words: set[str] = set()
    for part in _fold(path).split("/"):
        for word in part.replace("-", "_").replace(".", "_").replace(" ", "_").split("_"):
            word = word.rstrip("0123456789")
            if word in _SPLITS:
                words.add(_SPLITS[word])
    return next(iter(words)) if len(words) == 1 else ""


class ImageFinder:
    """The image files of an upload, found by whatever part of their path an annotation gives."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            self._by_path.setdefault(_fold(path), []).append(path)
            self._by_name.setdefault(_fold(path).rsplit("/", 1)[-1], []).append(path)

    def find(self, name: str, *, near: str) -> str:
        """Return the path that the annotation file at `near` means by `name`.

        Raises AnnotationError annotation_image_missing, annotation_image_ambiguous.
        """
        wanted = _fold(name)
        around = str(PurePosixPath(_fold(near)).parent)
        for whole in (_fold(f"{_parent(near)}/{name}"), wanted):
            exact = self._by_path.get(whole, [])
            if len(exact) == 1:
                return exact[0]
        candidates = self._by_name.get(wanted.rsplit("/", 1)[-1], [])
        split = split_in(wanted.rsplit("/", 1)[0]) if "/" in wanted else ""
        candidates = [path for path in candidates if not split or split_in(_parent(path)) in {"", split}]
        best = self._closest(candidates, wanted)
        if len(best) > 1:
            # The same name in several folders: the annotation file's own place says which it is about.
            said = split_in(near)
            own = [path for path in best if said and split_in(_parent(path)) == said]
            best = own if len(own) == 1 else _nearest(best, around)
        if not best:
            raise AnnotationError("annotation_image_missing")
        if len(best) > 1:
            raise AnnotationError("annotation_image_ambiguous")
        return best[0]

    def like(self, path: str) -> str:
        """Return the image with the name of another file, whatever folder it lies in; the nearest one of several.

        Raises as `find`.
        """
        stem = _fold(path).rsplit("/", 1)[-1].rsplit(".", 1)[0]
        found = [one for ending in _ENDINGS for one in self._by_name.get(f"{stem}.{ending}", [])]
        if len(found) > 1:
            found = _nearest(found, _parent(_fold(path)))
        if len(found) != 1:
            raise AnnotationError("annotation_image_ambiguous" if found else "annotation_image_missing")
        return found[0]

    def with_stem(self, stem: str) -> list[str]:
        """Return the images whose path without its ending is `stem`."""
        wanted = _fold(stem)
        folder, _, name = wanted.rpartition("/")
        return [
            path
            for ending in _ENDINGS
            for path in self._by_path.get(f"{folder}/{name}.{ending}" if folder else f"{name}.{ending}", [])
        ]

    @staticmethod
    def _closest(candidates: list[str], wanted: str) -> list[str]:
        """Return those that share most of the folders before the name."""
        shares = {path: _shared_end(_fold(path), wanted) for path in candidates}
        most = max(shares.values(), default=0)
        return [path for path in candidates if shares[path] == most]


def _nearest(paths: list[str], around: str) -> list[str]:
    """Return those that lie closest to a folder: in it or below, counted by the folders that they share."""
    folders = [part for part in around.split("/") if part not in {"", "."}]

    def shared(path: str) -> int:
        parts = _fold(path).split("/")[:-1]
        count = 0
        for mine, theirs in zip(folders, parts, strict=False):
            if mine != theirs:
                break
            count += 1
        return count

    most = max(shared(path) for path in paths)
    return [path for path in paths if shared(path) == most]


def _shared_end(path: str, wanted: str) -> int:
    count = 0
    for mine, theirs in zip(reversed(path.split("/")), reversed(wanted.split("/")), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _fold(path: str) -> str:
    """Return a path as paths are compared: NFC, `/`, small letters, without drive, dots and empty parts."""
    text = unicodedata.normalize("NFC", path.replace("\\", "/")).casefold()
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."} and not (len(part) == 2 and part[1] == ":"):
            parts.append(part)
    return "/".join(parts)


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0] if "/" in path else ""
