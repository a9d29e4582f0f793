"""Manuals and their index in an S3 bucket: another machine, without a local copy, reads and searches them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.catalog import products
from core.jobs import views
from core.manuals.library import delete_manual, list_manuals, read_manual
from core.models.kinds import MANUAL_INDEX
from core.registry.versions import active_version
from core.services import build_services
from inference.language.retrieval import Query
from tests.manual_files import add, given, scratch_manual
from tests.plates import deploy, folder_settings
from tests.services.servers import S3Server

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("worker")]


def test_an_index_built_on_s3_is_searched_after_the_local_copies_are_gone(
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
    person = open_person(services, "engineer")
    product_id = products.create_product(services, person, name="Plate", code="plate").id
    assert add(services, person, product_id, given("안내.pdf", scratch_manual()))[0].outcome == "added"
    (job_id,) = deploy(services, product_id, kinds=(MANUAL_INDEX,))
    assert views.view(services, job_id).outcomes[0].outcome == "activated"
    assert not (settings.data_dir / "objects").exists()
    services.database.dispose()

    shutil.rmtree(settings.cache_dir / "models")
    again = build_services(settings)
    with again.database.reading() as session:
        version = active_version(session, MANUAL_INDEX, product_id)
    assert version is not None
    result = again.models.manual_index(version).search(Query("clean the guide rail", ("scratch",), "en"))
    assert result.found
    assert "guide rail" in result.hits[0].passage.text
    (view,) = list_manuals(again)
    assert read_manual(again, view.manual) == scratch_manual()
    delete_manual(again, person, view.manual.id)
    assert [info.key for info in again.objects.list("manuals/")] == []
    again.database.dispose()
