"""Real electroluminescence images of solar cells, from the `elpv-dataset` package.

Buerhop-Lutz et al., "A Benchmark for Visual Identification of Defective Solar Cells in Electroluminescence
Imagery", EU PVSEC 2018; Deitsch et al., Solar Energy 185 (2019) and Machine Vision and Applications 32 (2021).
The package is found without being imported: its module pulls in more than the files need.
"""

import hashlib
import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from core.demo.images.records import DemoDefect, DemoImage, DemoProduct, Split

LICENSE = "CC BY-NC-SA 4.0"
SOURCE = (
    "ELPV dataset, https://github.com/zae-bayern/elpv-dataset. "
    "C. Buerhop-Lutz et al., A Benchmark for Visual Identification of Defective Solar Cells in "
    "Electroluminescence Imagery, EU PVSEC 2018. "
    "S. Deitsch et al., Automatic classification of defective photovoltaic module cells in "
    "electroluminescence images, Solar Energy 185, 2019. "
    "S. Deitsch et al., Segmentation of photovoltaic module cells in uncalibrated "
    "electroluminescence images, Machine Vision and Applications 32, 2021."
)
DEFECT_CODE = "cell_defect"

_SEED = 20180924
_TRAIN_NORMALS, _TEST_NORMALS = 200, 80
_TRAIN_DEFECTS, _TEST_DEFECTS = 40, 60
# The data set lists its cells module by module. The monocrystalline defects of the first modules are cracks and dead
# areas; those of the later ones are mostly short finger interruptions, which are just as common on cells that are
# labeled sound: no method tells the two labels apart there (`benchmarks/README.md` has the figures on all cells).
_MONO_DEFECT_CELLS = range(600)
_TRAIN_DEFECT_SHARE = 0.3


def cell_images(kind: Literal["mono", "poly"]) -> Iterator[DemoImage]:
    """Yield the cells of one kind that the experts were sure of: probability 0 is normal, 1 is defective.

    Of the monocrystalline defects only those of the first modules are taken (`_MONO_DEFECT_CELLS`).
    Raises FileNotFoundError if the package is not installed or has no such cells.
    """
    folder = _data_folder()
    normals = _shuffled(folder, kind, probability=0.0)
    defects = _shuffled(folder, kind, probability=1.0)
    if not normals or not defects:
        raise FileNotFoundError(f"{folder / 'labels.csv'} lists no {kind} cells")
    if kind == "mono":
        defects = [path for path in defects if _cell_number(path) in _MONO_DEFECT_CELLS]
    cut = min(_TRAIN_DEFECTS, round(len(defects) * _TRAIN_DEFECT_SHARE))
    held_out = _TRAIN_NORMALS + _TEST_NORMALS
    groups: tuple[tuple[Split, str | None, list[Path]], ...] = (
        ("train", None, normals[:_TRAIN_NORMALS]),
        ("train", DEFECT_CODE, defects[:cut]),
        ("test", None, normals[_TRAIN_NORMALS:held_out]),
        ("test", DEFECT_CODE, defects[cut : cut + _TEST_DEFECTS]),
    )
    seen: set[str] = set()
    for split, defect_code, paths in groups:
        for path in paths:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            name = f"solar-{kind}_{defect_code or 'normal'}_{path.stem}{path.suffix}"
            yield DemoImage(name, split, defect_code, content, None)


def _data_folder() -> Path:
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package elpv-dataset is not installed: pip install elpv-dataset")
    return Path(spec.submodule_search_locations[0]) / "data"


def _cell_number(path: Path) -> int:
    return int(path.stem.removeprefix("cell"))


def _shuffled(folder: Path, kind: str, *, probability: float) -> list[Path]:
    """List a label's files in an order that only the seed and the dataset decide."""
    paths = []
    for line in (folder / "labels.csv").read_text(encoding="utf-8").splitlines():
        cells = line.split()
        if len(cells) == 3 and cells[2] == kind and float(cells[1]) == probability:
            paths.append(folder / cells[0])
    order = np.random.default_rng([_SEED, kind == "mono", int(probability)]).permutation(len(paths))
    return [paths[index] for index in order]


_CELL_DEFECT = DemoDefect(
    code=DEFECT_CODE,
    name_ko="셀 결함",
    name_en="Cell defect",
    description_ko=(
        "EL 영상에서 어둡게 나타나는 결함을 통칭합니다. 미세 균열, 파단으로 전류가 끊긴 영역, 핑거 단선, 솔더링 "
        "불량, 재료 결함 등이 포함되며 출력 저하나 열점의 원인이 됩니다."
    ),
    description_en=(
        "Any fault that shows dark in the electroluminescence image: micro-cracks, areas cut off by a break, "
        "interrupted fingers, poor soldering or material faults. It costs power and may grow into a hot spot."
    ),
    severity="critical",
)

SOLAR_MONO = DemoProduct(
    code="solar-mono",
    name_ko="단결정 태양전지 셀",
    name_en="Monocrystalline solar cell",
    description_ko=(
        "단결정 실리콘 태양전지 모듈에서 셀 단위로 잘라 낸 전계발광(EL) 영상입니다. 라미네이션 전후 EL 검사 "
        "공정에서 암실 카메라로 촬영하며, 균일하게 밝아야 정상입니다. 셀 모서리의 모따기와 버스바는 정상 형상이고, "
        "균열이나 국부적으로 어두운 영역을 찾습니다. 불량 이미지는 데이터 세트의 앞쪽 모듈(균열, 비발전 영역)에서만 "
        "가져왔습니다."
    ),
    description_en=(
        "Electroluminescence images of single cells cut from monocrystalline silicon modules, taken by a dark-room "
        "camera at the EL station before or after lamination. A sound cell glows evenly; the chamfered corners and "
        "the busbars belong to it. The inspection looks for cracks and for areas that stay dark. The defect images "
        "are those of the data set's first modules (cracks, dead areas) only."
    ),
    defects=(_CELL_DEFECT,),
    license=LICENSE,
    source=SOURCE,
    make_images=partial(cell_images, "mono"),
)

SOLAR_POLY = DemoProduct(
    code="solar-poly",
    name_ko="다결정 태양전지 셀",
    name_en="Polycrystalline solar cell",
    description_ko=(
        "다결정 실리콘 태양전지 모듈에서 셀 단위로 잘라 낸 전계발광(EL) 영상입니다. 결정립 경계와 전위가 정상 "
        "제품에서도 어두운 무늬로 보이므로 단결정보다 판정이 어렵습니다. EL 검사 공정에서 무늬와 실제 균열·단선을 "
        "구분하는 것이 핵심입니다."
    ),
    description_en=(
        "Electroluminescence images of single cells cut from polycrystalline silicon modules. Grain boundaries and "
        "dislocations draw dark patterns on sound cells too, which makes them harder to judge than monocrystalline "
        "ones: the EL station must tell those patterns from true cracks and interrupted fingers."
    ),
    defects=(_CELL_DEFECT,),
    license=LICENSE,
    source=SOURCE,
    make_images=partial(cell_images, "poly"),
)
