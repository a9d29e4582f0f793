"""What an inspection loads: the libraries that serve it, and none of those that take many seconds to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core.services import Services
from storage.tables import Product
from tests.plates import encode, plate, seed_of

ROOT = Path(__file__).resolve().parents[4]
_INSPECT = """
import sys
from pathlib import Path
from core.inspections.inspection import examine
from core.services import build_services
found = examine(
    build_services(), product_id=int(sys.argv[1]), data=Path(sys.argv[2]).read_bytes(), file_name="part.png"
)
assert found.verdict == "reject", found.verdict
assert found.similar.normal.matches and found.similar.defect.matches, found.similar
print(sorted({"torch", "timm", "open_clip", "anomalib", "sklearn", "openvino", "faiss"} & set(sys.modules)))
"""


def test_an_inspection_with_the_backbones_embedder_imports_neither_torch_nor_open_clip(
    plate_services: Services, plate_product: Product, tmp_path: Path
) -> None:
    part = tmp_path / "part.png"
    part.write_bytes(encode(plate(seed_of("test", "spot", 50), "spot")))
    environment = {**os.environ, "GEOMSA_DATA_DIR": str(plate_services.settings.data_dir), "GEOMSA_DEVICE": "cpu"}
    # The first on a machine may have to convert the network, and keeps what it has converted.
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", _INSPECT, str(plate_product.id), str(part)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "['openvino']"
