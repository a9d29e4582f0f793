"""The splits of a Pascal VOC set: `ImageSets/Main/{train,val,test}.txt`, a name of an image in each line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.errors import AppError
from core.images.annotations.documents import read_text
from core.images.annotations.records import AnnotationError

Files = Mapping[str, Callable[[], bytes]]
_FOLDERS = ("Main", "Layout", "Segmentation")
_SPLITS = ("train", "val", "test")


class VocSplits:
    """The splits of the sets among some files; each list is read once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._by_top: dict[str, dict[str, str]] = {}
        self.lists: set[str] = set()

    def of(self, xml_path: str) -> str:
        """Return the split of the image that an XML file in `Annotations` is about; empty where no list has it."""
        top = xml_path.rpartition("/")[0].rpartition("/")[0]
        if top not in self._by_top:
            self._by_top[top] = self._read(f"{top}/" if top else "")
        return self._by_top[top].get(xml_path.rpartition("/")[2].rsplit(".", 1)[0], "")

    def _read(self, top: str) -> dict[str, str]:
        found: dict[str, set[str]] = {}
        for folder in _FOLDERS:
            paths = {split: f"{top}ImageSets/{folder}/{split}.txt" for split in _SPLITS}
            for split, path in paths.items():
                if path not in self._files:
                    continue
                self.lists.add(path)
                try:
                    lines = read_text(self._files[path]()).splitlines()
                except (AnnotationError, AppError, OSError):
                    continue
                for fields in (line.split() for line in lines):
                    # Lists of one class say with -1 that an image does not show it.
                    if len(fields) in {1, 2}:
                        found.setdefault(fields[0], set()).add(split)
            if found:
                break
        return {stem: next(iter(splits)) for stem, splits in found.items() if len(splits) == 1}
