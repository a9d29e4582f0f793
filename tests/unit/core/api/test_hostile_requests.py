"""Requests made up from the description, right and wrong ones: no server error, and every answer as described."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api_server import ApiClient

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW, MANY = 2, 20


def _probe(operation: Any, mode: GenerationMode, headers: dict[str, str], *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.validate_response(case.call(headers=headers, timeout=30), checks=CHECKS)

    # Nothing wrong can be sent where nothing can be said.
    nothing_to_say = mode is GenerationMode.NEGATIVE
    with contextlib.suppress(*[Unsatisfiable] if nothing_to_say else []):
        send()


def _probe_all(api: ApiClient, mode: GenerationMode, *, examples: int) -> None:
    schema = schemathesis.openapi.from_dict(api.get("/v1/openapi.json").json())
    schema.config.update(base_url=f"http://127.0.0.1:{api.port}/api")
    probed = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        _probe(found.ok(), mode, {"Authorization": f"Bearer {api.key}"}, examples=examples)
        probed += 1
    assert probed > 50


def test_every_answer_is_as_described(engineer_api: ApiClient) -> None:
    _probe_all(engineer_api, GenerationMode.POSITIVE, examples=FEW)


@pytest.mark.full
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_to_many_requests_is_as_described(engineer_api: ApiClient, mode: GenerationMode) -> None:
    _probe_all(engineer_api, mode, examples=MANY)
