"""A deployment whose models and images live in an S3 bucket: this machine may lose all of its copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.inspections import inspection, records
from core.inspections.images import load_images, load_nearest_normal
from core.jobs import views
from core.services import build_services
from storage.tables import Image, ModelVersion
from tests.plates import deploy, encode, folder_settings, ingest_plates, plate
from tests.services.servers import S3Server

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]

PART = encode(plate(8800, "spot"))


def test_a_product_is_deployed_on_s3_and_inspected_after_the_local_copies_are_gone(
    empty_s3_server: S3Server, tmp_path: Path
) -> None:
    settings = folder_settings(
        tmp_path / "data",
        GEOMSA_OBJECT_STORE="s3",
        GEOMSA_S3_ENDPOINT=empty_s3_server.endpoint,
        GEOMSA_S3_BUCKET=empty_s3_server.bucket,
        GEOMSA_S3_ACCESS_KEY=empty_s3_server.access_key,
        GEOMSA_S3_SECRET_KEY=empty_s3_server.secret_key,
    )
    services = build_services(settings, migrate=True)
    product = ingest_plates(services, tmp_path)
    for job_id in deploy(services, product.id):
        assert views.view(services, job_id).outcomes[0].outcome == "activated"
    assert not (settings.data_dir / "objects").exists()
    # Originals were fetched once, into the cache by their hash: all but the good test images, which are only scored.
    with services.database.reading() as session:
        images = session.exec(select(Image)).all()
    kept = {path.name for path in (settings.cache_dir / "images").glob("*/*")}
    wanted = {image.content_sha256 for image in images if image.split == "train" or image.image_type == "defect"}
    assert kept == wanted
    person = open_person(services, "worker")
    first = inspection.inspect(services, person, product_id=product.id, data=PART, file_name="part.png").record
    services.database.dispose()

    shutil.rmtree(settings.cache_dir / "models")
    shutil.rmtree(settings.cache_dir / "images")
    again = build_services(settings)
    second = inspection.inspect(again, person, product_id=product.id, data=PART, file_name="part.png").record
    assert second.score == pytest.approx(first.score, rel=1e-6)
    assert second.verdict == first.verdict == "reject"
    assert [found.image_id for found in second.similar.defects] == [found.image_id for found in first.similar.defects]
    assert load_nearest_normal(again, second) is not None
    loaded = records.load_record(again, second.id)
    assert loaded == second
    assert load_images(again, loaded).pixels.shape == (second.height_px, second.width_px, 3)
    with again.database.reading() as session:
        bank = session.get(ModelVersion, second.model.version_id)
        assert bank is not None
    names = {info.key.removeprefix(bank.object_prefix) for info in again.objects.list(bank.object_prefix)}
    assert {"manifest.json", "tensors.safetensors"} <= names
    again.database.dispose()
