"""Choosing models, trying them and bringing weights: what is kept, what is refused, what it does to deployments."""

from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.__main__ import main
from core.access import Person
from core.deployments.evaluation import evaluate
from core.deployments.trials import try_model
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, NotReady, Unavailable
from core.inspections.images import load_nearest_normal
from core.inspections.inspection import inspect
from core.models import weight_paths
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION, SIMILARITY, list_options
from core.registry import choices, weight_files
from core.registry.choices import choose, chosen
from core.registry.model_status import model_states
from core.registry.versions import list_versions
from core.services import Services
from inference.vision.networks import specifications
from storage.tables import AuditLog, Product
from tests.plates import deploy, encode, plate


def now_chosen(services: Services, purpose: str = DETECTION) -> choices.Choice:
    with services.database.reading() as session:
        return chosen(session, purpose)


def resnet_file(folder: Path, *, suffix: str = ".safetensors", seed: int = 5) -> Path:
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    state = timm.create_model("resnet18", pretrained=False).state_dict()
    path = folder / f"model{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def add(services: Services, person: Person, path: Path, *, name: str = "resnet18") -> Path:
    with path.open("rb") as stream:
        return weight_files.add_weights(services, person, name=name, file_name=path.name, stream=stream)


# --- choosing --------------------------------------------------------------------------------------------------------


def test_nothing_chosen_means_the_carried_defaults(services: Services) -> None:
    assert now_chosen(services).option.name == "patchcore-efficientnet_lite0"
    assert now_chosen(services, SIMILARITY).option.name == "backbone-efficientnet_lite0"


def test_a_choice_is_kept_with_the_options_that_differ_and_is_recorded(services: Services, engineer: Person) -> None:
    options = {"input_size_px": 320, "channel_count": 100}
    made = choose(
        services, engineer, purpose=DETECTION, name="padim-efficientnet_lite0", options=options, row_version=0
    )
    assert made.options == {"input_size_px": 320}
    found = now_chosen(services)
    assert (found.option.method, found.options, found.row_version) == ("padim", {"input_size_px": 320}, 1)
    with services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "model.choose")).one()
    assert row.details["changes"]["model"] == ["patchcore-efficientnet_lite0", "padim-efficientnet_lite0"]


def test_what_cannot_be_chosen_is_refused_and_nothing_changes(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    def attempt(person: Person = engineer, **changed: Any) -> None:
        wanted: dict[str, Any] = {"purpose": DETECTION, "name": "padim-efficientnet_lite0", "options": {}}
        choose(services, person, row_version=0, **{**wanted, **changed})

    refusals: list[tuple[type[AppError], dict[str, Any]]] = [
        (NotFound, {"name": "no-such"}),
        (NotFound, {"purpose": SIMILARITY}),
        (BadInput, {"options": {"channel_count": 100_000}}),
        (BadInput, {"options": {"channel_count": "many"}}),
        (BadInput, {"options": {"surprise": 1}}),
        (NotReady, {"name": "patchcore-resnet18"}),
        (NotAllowed, {"person": worker_person}),
    ]
    for kind, changed in refusals:
        with pytest.raises(kind):
            attempt(**changed)
    assert now_chosen(services).row_version == 0


def test_a_choice_made_on_an_old_state_names_what_changed(services: Services, engineer: Person, admin: Person) -> None:
    choose(services, admin, purpose=DETECTION, name="padim-efficientnet_lite0", options={}, row_version=0)
    with pytest.raises(Conflict) as caught:
        choose(services, engineer, purpose=DETECTION, name="patchcore-efficientnet_lite1", options={}, row_version=0)
    assert caught.value.code == "stale_save"
    assert "padim" in str(caught.value)


def test_every_option_knows_its_network_and_every_field_allows_its_default() -> None:
    found = [*list_options(DETECTION), *list_options(SIMILARITY)]
    for option in found:
        # Without a backbone it needs none: its network is trained here.
        assert option.backbone == (None if option.network is None else option.network.name)
        for field in option.fields:
            assert field.default is None or field.lowest <= field.default <= field.highest
    assert len({option.name for option in found}) == len(found)
    assert {option.purpose for option in list_options(DETECTION)} == {DETECTION}


# --- a chosen model at work ------------------------------------------------------------------------------------------


def test_a_choice_applies_at_the_next_deployment_and_old_versions_stay_what_they_were(
    plate_services: Services, plate_product: Product, engineer: Person
) -> None:
    services, product_id = plate_services, plate_product.id
    assert product_id is not None
    before = list_versions(services, MEMORY_BANK, product_id)[0]
    options = {"input_size_px": 128, "channel_count": 40}
    choose(services, engineer, purpose=DETECTION, name="padim-efficientnet_lite0", options=options, row_version=0)
    assert model_states(services)[(MEMORY_BANK, product_id)].state == "out_of_date"

    deploy(services, product_id, kinds=(MEMORY_BANK,))
    built = list_versions(services, MEMORY_BANK, product_id)[0]
    assert built.model_name == "padim-efficientnet_lite0"
    assert (built.metrics["detector"], built.metrics["channel_count"]) == ("padim", 40)
    assert type(services.models.memory_bank(built)).__name__ == "Padim"
    assert type(services.models.memory_bank(before)).__name__ == "PatchCore"

    # Nine normal images are few for a Gaussian at each place: the version may wait as a candidate.
    if built.active_key is None:
        from core.registry.versions import activate

        activate(services, engineer, built.id)
    assert model_states(services)[(MEMORY_BANK, product_id)].state == "current"
    record = inspect(
        services, engineer, product_id=product_id, data=encode(plate(905, "spot")), file_name="part.png"
    ).record
    assert record.verdict != "ok"
    assert load_nearest_normal(services, record) is not None
    assert evaluate(services, plate_product)["image_auroc"] > 0.5


@pytest.mark.parametrize(
    ("name", "scored"), [("patchcore-efficientnet_lite0", True), ("backbone-efficientnet_lite0", False)]
)
def test_a_trial_really_runs_the_model(
    plate_services: Services, plate_product: Product, engineer: Person, name: str, scored: bool
) -> None:
    trial = try_model(plate_services, engineer, name=name, options={}, product_id=plate_product.id)
    assert trial.start_s > 0
    assert trial.image_ms > 0
    assert trial.runtime in {"openvino-cpu", "torch-cpu"}
    assert (trial.score is not None) == scored


def test_a_trial_says_what_is_missing(plate_services: Services, plate_product: Product, engineer: Person) -> None:
    with pytest.raises(AppError) as caught:
        try_model(plate_services, engineer, name="patchcore-resnet18", options={}, product_id=plate_product.id)
    assert caught.value.code == "backbone_weights_missing"
    assert "ResNet18" in str(caught.value)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_a_weights_file_is_ingested_once_and_makes_its_models_choosable(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    path = resnet_file(tmp_path)
    place = add(services, engineer, path)
    assert place == services.settings.weights_dir / "resnet18.safetensors"
    assert add(services, engineer, path) == place
    states = {state.spec.name: state.source for state in weight_paths.list_weights(services.settings)}
    assert states["resnet18"] == "added"
    assert (states["efficientnet_lite0"], states["dinov2_vits14"]) == ("carried", None)
    choose(services, engineer, purpose=DETECTION, name="patchcore-resnet18", options={}, row_version=0)
    with pytest.raises(Conflict) as caught:
        add(services, engineer, resnet_file(tmp_path, seed=6))
    assert caught.value.code == "weights_already_here"
    assert [path.name for path in services.settings.weights_dir.iterdir()] == ["resnet18.safetensors"]


def _not_there(_: Path) -> bytes:
    return b""


def _header_without_end(_: Path) -> bytes:
    return struct.pack("<Q", 2**60) + b"{}"


def _other_tensors(_: Path) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + b"\0\0\0\0"


@pytest.mark.parametrize("content", [_not_there, _header_without_end, _other_tensors])
def test_a_file_that_is_not_its_weights_leaves_nothing_behind(
    services: Services, engineer: Person, tmp_path: Path, content: Any
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content(tmp_path))
    with pytest.raises(BadInput) as caught:
        add(services, engineer, path)
    assert "ResNet18" in str(caught.value)
    assert list(services.settings.weights_dir.iterdir()) == []


def test_pickled_weights_are_refused_by_their_name_and_by_their_content(
    services: Services, engineer: Person, tmp_path: Path
) -> None:
    pickled = resnet_file(tmp_path, suffix=".pth")
    renamed = tmp_path / "renamed.safetensors"
    renamed.write_bytes(pickled.read_bytes())
    for path in (pickled, renamed):
        with pytest.raises(BadInput) as caught:
            add(services, engineer, path)
        assert caught.value.code == "backbone_weights_format"


def test_a_file_without_end_is_cut_short(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_files, "MAX_BYTES", 10)
    with pytest.raises(BadInput) as caught:
        weight_files.add_weights(
            services, engineer, name="resnet18", file_name="m.safetensors", stream=io.BytesIO(b"0" * 100)
        )
    assert caught.value.code == "weights_too_large"


def test_workers_add_no_weights_and_unknown_names_are_told_what_there_is(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    for person, name, kind in ((worker_person, "resnet18", NotAllowed), (engineer, "resnet99", NotFound)):
        with pytest.raises(kind):
            weight_files.add_weights(services, person, name=name, file_name="m.safetensors", stream=io.BytesIO(b""))


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Yield a real web server on this machine that publishes what is put into the list, as ResNet18's weights."""
    published: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(published[0])))
            self.end_headers()
            self.wfile.write(published[0])

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    published.append(resnet_file(tmp_path, suffix=".pth").read_bytes())
    import hashlib

    prefix = hashlib.sha256(published[0]).hexdigest()[:8]
    address = f"http://127.0.0.1:{server.server_port}/resnet18-{prefix}.pth"
    monkeypatch.setitem(specifications.DOWNLOADS, "resnet18", specifications.Download(address, prefix))
    yield published
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetched_weights_are_proven_rewritten_and_kept(
    services: Services, engineer: Person, publisher: list[bytes]
) -> None:
    seen: list[tuple[int, int]] = []
    place = weight_files.fetch_weights(
        services, engineer, name="resnet18", progress=lambda done, total: seen.append((done, total))
    )
    assert place.suffix == ".safetensors"
    assert seen[-1] == (len(publisher[0]), len(publisher[0]))
    assert [path.name for path in services.settings.weights_dir.iterdir()] == ["resnet18.safetensors"]


def test_other_bytes_than_the_published_ones_are_thrown_away(
    services: Services, engineer: Person, publisher: list[bytes]
) -> None:
    publisher[0] = publisher[0][:-1] + b"x"
    with pytest.raises(Unavailable) as caught:
        weight_files.fetch_weights(services, engineer, name="resnet18")
    assert caught.value.code == "weights_hash_wrong"
    assert list(services.settings.weights_dir.iterdir()) == []


def test_without_a_network_or_a_published_hash_a_sentence_says_what_to_do(
    services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = replace(specifications.DOWNLOADS["resnet18"], url="http://127.0.0.1:1/resnet18.pth")
    monkeypatch.setitem(specifications.DOWNLOADS, "resnet18", closed)
    for name, code in (("resnet18", "weights_no_network"), ("dinov2_vits14", "weights_not_fetchable")):
        with pytest.raises(AppError) as caught:
            weight_files.fetch_weights(services, engineer, name=name)
        assert caught.value.code == code


def test_the_command_line_lists_and_adds(
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    path = resnet_file(tmp_path)
    assert main(["weights", "add", "resnet18", str(path)]) == 0
    assert main(["weights", "list", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    states = {line["name"]: line for line in lines[1:]}
    assert states["resnet18"]["source"] == "added"
    assert len(states["efficientnet_lite1"]["sha256"]) == 64
    assert main(["weights", "add", "resnet18", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors" in capsys.readouterr().err
