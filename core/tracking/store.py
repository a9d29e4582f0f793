"""The tracking store itself, through MLflow's client: nothing here knows the outbox or the database of runs."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from core.errors import AppError, Unavailable
from core.tracking.address import StoreAddress
from core.tracking.naming import MOST_TAG_CHARACTERS

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from core.tracking.facts import EpochPoint, RunFacts

logger = logging.getLogger(__name__)

# What MLflow takes in one request.
_MOST_METRICS, _MOST_PARAMETERS = 1000, 100
_TIMEOUT_S = 20
_REFUSALS = {
    "INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "NOT_FOUND",
    "INVALID_STATE", "ALREADY_EXISTS",
}  # fmt: skip
_DENIALS = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
_UNKNOWN_THERE = {"ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED"}
_GONE = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_STATES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}


class TrackingError(Exception):
    """Something did not reach the store. `problem` says why; `is_refused`: it does not want this very thing.

    `is_gone`: what was named is not there (any more).
    """

    def __init__(self, problem: AppError, *, is_refused: bool = False, is_gone: bool = False) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.is_refused = is_refused
        self.is_gone = is_gone


def open_store(address: StoreAddress) -> MlflowStore:
    """Return the store, with MLflow imported (some seconds) and its database made where there is none.

    Sets variables of this process: MLflow's usage reports off, its waits short, user and password where they do not
    show. For the process that sends and nothing else. Raises TrackingError.
    """
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        DO_NOT_TRACK="true",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR="0",
        MLFLOW_HTTP_REQUEST_TIMEOUT=str(_TIMEOUT_S),
        MLFLOW_ALLOW_FILE_STORE="true",
    )
    for name, value in (("USERNAME", address.user), ("PASSWORD", address.password)):
        if value:
            os.environ[f"MLFLOW_TRACKING_{name}"] = value
    # What goes wrong is said by us, without addresses that may hold a password.
    os.environ["MLFLOW_LOGGING_LEVEL"] = "CRITICAL"
    # It warns about its own use of its libraries, which nobody here can mend.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "urllib3", "alembic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with _shaped(address):
            if address.artifacts is not None:
                from mlflow.store.db import utils

                # A database that is away is waited for by the outbox, and not for minutes in here.
                utils.MAX_RETRY_COUNT = 2
                address.artifacts.mkdir(parents=True, exist_ok=True)
            client = MlflowClient(tracking_uri=address.uri, registry_uri=address.uri)
            return MlflowStore(address, client)


class MlflowStore:
    """One store. Every method raises TrackingError, and may be called again with the same: nothing is there twice."""

    def __init__(self, address: StoreAddress, client: MlflowClient) -> None:
        self._address = address
        self._client = client

    def find_run(self, facts: RunFacts) -> str | None:
        """Return the run that carries our mark, None where there is none."""
        with _shaped(self._address):
            experiment = self._client.get_experiment_by_name(facts.experiment)
            if experiment is None:
                return None
            found = self._client.search_runs(
                [experiment.experiment_id], f"tags.`geomsa.run` = '{facts.tag}'", max_results=1
            )
            return found[0].info.run_id if found else None

    def create_run(self, facts: RunFacts) -> str:
        """Make the run, in its experiment, and return its number there."""
        with _shaped(self._address):
            run = self._client.create_run(
                self._experiment(facts.experiment),
                start_time=_ms(facts.created_at),
                tags={name: value[:MOST_TAG_CHARACTERS] for name, value in facts.tags.items()},
                run_name=facts.name,
            )
            return str(run.info.run_id)

    def describe_run(self, external_id: str, facts: RunFacts) -> None:
        """Write what the run was asked for: parameters that are not there yet, configuration, dataset; it runs."""
        from mlflow.entities import Dataset, DatasetInput, Param

        with _shaped(self._address):
            # What is there may not be changed: a configuration is what it was when the run began.
            there = self._client.get_run(external_id).data.params
            missing = [Param(name, value) for name, value in facts.parameters.items() if name not in there]
            for start in range(0, len(missing), _MOST_PARAMETERS):
                self._client.log_batch(external_id, params=missing[start : start + _MOST_PARAMETERS])
            source = f"geomsa:{facts.dataset_name}"
            dataset = Dataset(facts.dataset_name, facts.dataset_digest, "local", source)
            self._try(lambda: self._client.log_inputs(external_id, [DatasetInput(dataset)]))
            self._client.update_run(external_id, status="RUNNING")
        text = yaml.safe_dump(facts.configuration, sort_keys=False, allow_unicode=True)
        self.put_text(external_id, "configuration.yaml", text)

    def log_epochs(self, external_id: str, points: Sequence[EpochPoint]) -> None:
        """Write the figures of epochs, each at its step."""
        self._log([(name, value, p.at, p.epoch) for p in points for name, value in p.figures.items()], external_id)

    def log_figures(self, external_id: str, figures: Mapping[str, float], at: datetime) -> None:
        """Write figures without a step."""
        self._log([(name, value, at, 0) for name, value in figures.items()], external_id)

    def set_tags(self, external_id: str, tags: Mapping[str, str]) -> None:
        """Write tags in the place of those of the same name."""
        from mlflow.entities import RunTag

        with _shaped(self._address):
            written = [RunTag(name, value[:MOST_TAG_CHARACTERS]) for name, value in tags.items()]
            self._client.log_batch(external_id, tags=written)

    def end_run(self, external_id: str, state: str, at: datetime) -> None:
        """Say how the run ended: `succeeded`, `failed` or `cancelled`."""
        with _shaped(self._address):
            self._client.set_terminated(external_id, _STATES.get(state, "FINISHED"), _ms(at))

    def put_text(self, external_id: str, name: str, text: str) -> None:
        """Write a file of the run."""
        with tempfile.TemporaryDirectory(prefix="geomsa-tracking-") as folder:
            path = Path(folder) / name
            path.write_text(text, encoding="utf-8")
            self.put_files(external_id, Path(folder))

    def put_files(self, external_id: str, folder: Path, *, under: str = "") -> None:
        """Write the files of a folder as files of the run."""
        with _shaped(self._address):
            self._require_reachable(self._client.get_run(external_id).info.artifact_uri)
            self._client.log_artifacts(external_id, str(folder), under or None)

    def put_model(self, external_id: str, folder: Path, *, name: str, sha256: str) -> None:
        """Write the files of a trained network as a model of the run, and as a plain folder where none are known.

        One with the same hash is not made a second time.
        """
        with _shaped(self._address):
            run = self._client.get_run(external_id)
            self._require_reachable(run.info.artifact_uri)
            if not self._try(lambda: self._put_logged_model(run.info.experiment_id, external_id, folder, name, sha256)):
                self._client.log_artifacts(external_id, str(folder), "model")
        self.set_tags(external_id, {"geomsa.model_sha256": sha256})

    def _put_logged_model(self, experiment_id: str, external_id: str, folder: Path, name: str, sha256: str) -> None:
        filter_string = f"source_run_id = '{external_id}'"
        there = self._client.search_logged_models([experiment_id], filter_string=filter_string)
        model = next((one for one in there if one.tags.get("geomsa.sha256") == sha256), None)
        if model is None:
            model = self._client.create_logged_model(
                experiment_id, name=name, source_run_id=external_id, model_type="onnx", tags={"geomsa.sha256": sha256}
            )
        if str(model.status) == "READY":
            return
        _write_model_file(folder, model.model_id, external_id)
        self._client.log_model_artifacts(model.model_id, str(folder))
        self._client.finalize_logged_model(model.model_id, "READY")

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._client.get_experiment_by_name(name)
        if found is None:
            where = None
            if self._address.artifacts is not None:
                where = self._address.artifacts.resolve().as_uri()
            try:
                return str(self._client.create_experiment(name, artifact_location=where))
            except MlflowException:
                # Another run of the same experiment may have made it meanwhile.
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage == "deleted":
            # A new training belongs to it: MLflow gives the name to no other, and writes nothing into a deleted one.
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _log(self, values: Sequence[tuple[str, float, datetime, int]], external_id: str) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(name, value, _ms(at), step) for name, value, at, step in values]
        with _shaped(self._address):
            for start in range(0, len(metrics), _MOST_METRICS):
                self._client.log_batch(external_id, metrics=metrics[start : start + _MOST_METRICS])

    def _require_reachable(self, artifact_uri: str) -> None:
        """Raise TrackingError for files that a server would have us write into a folder of its own machine."""
        if self._address.is_server and urlsplit(artifact_uri).scheme in ("", "file"):
            raise TrackingError(Unavailable("tracking_files_elsewhere", store=self._address.shown), is_refused=True)

    def _try(self, step: Any) -> bool:
        """Take a step that older servers do not know; return whether this one does."""
        from mlflow.exceptions import MlflowException

        try:
            step()
        except MlflowException as error:
            if error.error_code not in _UNKNOWN_THERE:
                raise
            return False
        return True


@contextmanager
def _shaped(address: StoreAddress) -> Iterator[None]:
    """Turn what MLflow raises into TrackingError; its own words may hold an address with a password, and stay out."""
    from mlflow.exceptions import MlflowException

    def problem(code: str, reason: str) -> AppError:
        return Unavailable(code, store=address.shown, reason=reason)

    try:
        yield
    except TrackingError:
        raise
    except MlflowException as error:
        reason = str(error.error_code)
        if reason in _DENIALS:
            raise TrackingError(problem("tracking_store_denied", reason)) from None
        if reason in _REFUSALS | _UNKNOWN_THERE:
            raise TrackingError(problem("tracking_refused", reason), is_refused=True, is_gone=reason in _GONE) from None
        raise TrackingError(problem("tracking_store_away", reason)) from None
    except Exception as error:  # noqa: BLE001 - its clients raise whatever their libraries do
        raise TrackingError(problem("tracking_store_away", type(error).__name__)) from None


def _write_model_file(folder: Path, model_id: str, external_id: str) -> None:
    """Write `MLmodel`, which lets MLflow open the files as an ONNX model."""
    graph = "model.onnx"
    if not (folder / graph).is_file():
        return
    described = {
        "artifact_path": model_id,
        "model_id": model_id,
        "run_id": external_id,
        "flavors": {
            "onnx": {"data": graph, "providers": ["CPUExecutionProvider"]},
            "python_function": {"loader_module": "mlflow.onnx", "data": graph},
        },
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
