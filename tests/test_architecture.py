"""The rules that can be read from the source: who may call whom, what is imported when, names, sentences."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.messages import MESSAGES

ROOT = Path(__file__).resolve().parent.parent
# Each worker that shares the tests would read all sources for itself.
pytestmark = pytest.mark.xdist_group("sources")
LAYERS = ("core", "inference", "storage", "pages")
HEAVY = {
    "torch", "torchvision", "anomalib", "open_clip", "openvino", "faiss", "timm", "ray", "mlflow", "onnx",
    "onnxruntime", "onnxscript", "langgraph", "langchain_anthropic", "langchain_openai",
}  # fmt: skip
ERROR_CLASSES = {
    "AppError", "BadInput", "NotAllowed", "NotFound", "Conflict", "NotReady", "Unavailable", "BadSetting",
    "InferenceError", "ImageError", "ArtifactError", "ManualError", "ModelError", "WriterError",
    "DatabaseError", "ObjectStoreError", "AnnotationError",
}  # fmt: skip
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")) + [
    path for path in [ROOT / "Home.py"] if path.exists()
]


@cache
def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


@cache
def _in(*layers: str) -> list[Path]:
    return [path for path in SOURCES if _layer(path) in layers]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _targets(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _imports(path: Path, *, at_import_only: bool = False, typing: bool = True) -> set[str]:
    """Return the modules a file imports; with `at_import_only`, not those inside functions or for the type checker.

    Without `typing`, those for the type checker alone are left out.
    """
    found: set[str] = set()
    for target, in_function, for_typing in _import_statements(path):
        if not (in_function and at_import_only) and not (for_typing and (at_import_only or not typing)):
            found.add(target)
    return found


@cache
def _import_statements(path: Path) -> tuple[tuple[str, bool, bool], ...]:
    """Return what a file imports: the name, whether inside a function, and whether for the type checker alone.

    Statements alone are looked at, and no expression: most of a tree is expressions, and no import is in one.
    """
    found: list[tuple[str, bool, bool]] = []
    waiting: list[tuple[ast.AST, bool, bool]] = [(_tree(path), False, False)]
    while waiting:
        node, in_function, for_typing = waiting.pop()
        found += [(target, in_function, for_typing) for target in _targets(node)]
        in_function = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for_typing = for_typing or _is_type_checking(node)
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, block, [])
            waiting += [(one, in_function, for_typing) for one in (inner if isinstance(inner, list) else [])]
    return tuple(found)


def _roots(path: Path, *, typing: bool = True) -> set[str]:
    return {name.split(".")[0] for name in _imports(path, typing=typing)}


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        ("inference", {"core", "storage", "pages", "Home"}),
        ("storage", {"core", "inference", "pages", "Home"}),
        ("core", {"pages", "Home"}),
        ("pages", {"storage", "inference", "Home"}),
    ],
)
def test_layers_call_only_downwards(layer: str, forbidden: set[str]) -> None:
    assert _in(layer)
    # A page may name the type of a row that it was given; it may not fetch one itself.
    called = {_name(path): _roots(path, typing=layer != "pages") & forbidden for path in _in(layer)}
    assert {name: sorted(found) for name, found in called.items() if found} == {}


@pytest.mark.parametrize(
    ("libraries", "allowed"),
    [
        ({"streamlit"}, {"pages", "Home.py"}),
        ({"torch", "torchvision", "timm", "openvino", "faiss", "open_clip", "onnx", "onnxruntime"}, {"inference"}),
        ({"mlflow"}, {"core"}),
        # It changes torch and Lightning for whoever imports it: in the child process, tests and benchmarks alone.
        (
            {"anomalib"},
            {
                "inference/vision/learning/anomalib_models/child.py",
                "inference/vision/learning/anomalib_models/efficient_ad.py",
            },
        ),
        ({"boto3", "botocore", "pymysql", "psycopg", "alembic", "sqlite3"}, {"storage"}),
    ],
)
def test_libraries_stay_in_their_layer(libraries: set[str], allowed: set[str]) -> None:
    wrong = {
        _name(path): sorted(_roots(path) & libraries)
        for path in SOURCES
        if not {path.relative_to(ROOT).parts[0], _name(path)} & allowed and _roots(path) & libraries
    }
    assert wrong == {}


def test_the_web_framework_stays_in_the_rest_interface() -> None:
    libraries = {"fastapi", "fastapi_offline", "starlette", "uvicorn", "pydantic"}
    wrong = {
        _name(path): sorted(found)
        for path in SOURCES
        if "core/api/" not in _name(path)
        and (found := _roots(path) & libraries - ({"starlette"} if _layer(path) != "core" else set()))
    }
    assert wrong == {}


def test_the_library_of_metrics_stays_where_metrics_are() -> None:
    # The worker serves its figures without the web framework, by the small server that the library brings.
    places = ("core/api/", "core/metrics/")
    wrong = {
        _name(path) for path in SOURCES if not _name(path).startswith(places) and "prometheus_client" in _roots(path)
    }
    assert wrong == set()


def test_mounting_the_rest_interface_imports_no_framework() -> None:
    code = "import sys, core.api.mounting, core.__main__; print(sorted(set(sys.modules) & {'fastapi', 'uvicorn'}))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_ray_stays_in_its_executor() -> None:
    wrong = {_name(path) for path in SOURCES if path.parent.name != "executors" and "ray" in _roots(path)}
    assert wrong == set()


def test_engines_are_made_in_storage_only() -> None:
    makers = {f"{module}.{name}" for module in ("sqlmodel", "sqlalchemy") for name in ("create_engine", "Engine")}
    wrong = {_name(path) for path in SOURCES if _layer(path) != "storage" and _imports(path) & makers}
    assert wrong == set()


def test_no_module_has_an_empty_name() -> None:
    empty = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
    assert {_name(path) for path in SOURCES if path.stem in empty or path.parent.name in empty} == set()


def _screens() -> list[Path]:
    beside = {"components", "server"}
    found = [path for path in _in("pages") if path.name != "__init__.py"]
    return [path for path in found if path.relative_to(ROOT).parts[1] not in beside]


@pytest.mark.parametrize("path", _screens(), ids=_name)
def test_every_screen_begins_with_its_role(path: Path) -> None:
    first = next(
        node
        for node in _tree(path).body
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        and not (isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Constant))
        and not _is_type_checking(node)
    )
    calls = [node for node in ast.walk(first) if isinstance(node, ast.Call)]
    assert any(ast.unparse(call.func).split(".")[-1] == "require" for call in calls), ast.unparse(first)


def test_screens_lie_in_folders_and_not_beside_home() -> None:
    assert [path.name for path in (ROOT / "pages").glob("*.py") if path.name != "__init__.py"] == []


@pytest.mark.parametrize("path", _in("core", "storage", "pages"), ids=_name)
def test_heavy_libraries_are_imported_at_use_only(path: Path) -> None:
    assert {name.split(".")[0] for name in _imports(path, at_import_only=True)} & HEAVY == set()


def test_importing_the_use_cases_loads_no_heavy_library() -> None:
    modules = [_name(path)[:-3].replace("/", ".") for path in _in("core") if path.stem[0] != "_"]
    code = (
        f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        f"print(sorted(set(sys.modules) & {HEAVY | {'streamlit', 'boto3'}!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"


def _raised_codes() -> dict[str, set[str]]:
    """Return error codes by file: the first argument of every error made, and the codes declared as literals."""
    found: dict[str, set[str]] = {}
    for path in _in("core", "inference", "storage"):
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if ast.unparse(node.func).split(".")[-1] not in ERROR_CLASSES:
                continue
            keys = {id(part.slice) for part in ast.walk(node.args[0]) if isinstance(part, ast.Subscript)}
            for part in ast.walk(node.args[0]):
                if id(part) in keys:
                    continue
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                    found.setdefault(part.value, set()).add(_name(path))
    return found


def test_every_error_code_has_its_sentence() -> None:
    codes = _raised_codes()
    assert len(codes) > 60  # the search itself works
    assert {code: sorted(files) for code, files in codes.items() if code not in MESSAGES} == {}


def test_no_sentence_is_named_twice() -> None:
    keys: list[str] = []
    for path in (ROOT / "core" / "messages").rglob("*.py"):
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Dict):
                keys += [str(key.value) for key in node.keys if isinstance(key, ast.Constant)]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def test_no_parameter_of_an_error_is_called_code() -> None:
    # AppError(code, **params): a parameter of that name would be a TypeError at the moment of the error.
    wrong = [
        f"{_name(path)}:{node.lineno}"
        for path in _in("core", "inference", "storage")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in ERROR_CLASSES
        and node.args
        and any(keyword.arg == "code" for keyword in node.keywords)
    ]
    assert wrong == []


def test_nothing_is_unpickled_or_evaluated() -> None:
    assert {_name(path) for path in SOURCES if _roots(path) & {"dill", "joblib", "shelve", "marshal"}} == set()
    # Catching pickle's error is allowed, unpickling is not.
    readers = ("pickle.load", "pickle.loads", "pickle.Unpickler")
    calls = {"eval", "exec", "extractall", "setlocale"}
    wrong = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in calls)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in {"extractall", "setlocale"})
            or ast.unparse(node.func) in readers
        )
    ]
    assert wrong == []


# Bottom up: a package may import those of the lines above its own, and none of its own line but itself.
CORE_ORDER: tuple[tuple[str, ...], ...] = (
    ("korean_particles",),
    ("i18n",),
    ("messages", "masking", "audit_fields"),
    ("errors",),
    ("secret_files",),
    ("settings", "transactions", "logs"),
    ("audit",),
    ("refusals",),
    ("outgoing",),
    ("access", "identity", "leases", "models", "files"),
    ("rollups",),
    ("services",),
    ("accounts",),
    ("catalog", "jobs"),
    ("images", "deliveries"),
    ("registry",),
    ("preprocessing", "manuals", "similarity", "analytics", "fusion"),
    ("datasets",),
    ("deployments", "inspections", "removal"),
    ("demo",),
    ("guidance", "watching", "schedules", "gauge", "methods", "tracking", "adapters"),
    ("history", "training"),
    ("named_objects",),
    ("audit_log", "backups", "store_moves"),
    ("operations", "replay", "reports", "model_report"),
    ("batches", "image_imports", "comparisons", "model_exports"),
    ("assistant", "metrics"),
    ("worker", "api"),
    ("cli",),
    ("__main__",),
)
VISION_ORDER: tuple[tuple[str, ...], ...] = (
    ("images",),
    ("networks",),
    ("learning",),
    ("detection",),
    ("search",),
    ("comparison",),
)
MOST_MODULES = 20


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_module(path): path for path in SOURCES}


@cache
def _neighbors(module: str) -> frozenset[str]:
    """Return the modules of this repository that one imports: at its top, inside functions, or for the type checker."""
    return frozenset(name for name in _imports(MODULES[module]) if name in MODULES and name != module)


def _circles() -> list[list[str]]:
    """Return Tarjan's strongly connected components of more than one module."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        waiting.append(module)
        for other in _neighbors(module):
            if other not in index:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in waiting:
                lowest[module] = min(lowest[module], index[other])
        if lowest[module] == index[module]:
            start = waiting.index(module)
            if len(waiting) - start > 1:
                found.append(sorted(waiting[start:]))
            del waiting[start:]

    for module in MODULES:
        if module not in index:
            visit(module)
    return found


def test_no_files_import_each_other_in_a_circle() -> None:
    # A package's __init__ is what its modules lie in, not a part of the chain.
    assert _circles() == []


@pytest.mark.parametrize(
    ("root", "order"), [("core", CORE_ORDER), ("inference.vision", VISION_ORDER)], ids=["core", "vision"]
)
def test_packages_stand_on_those_below_them(root: str, order: tuple[tuple[str, ...], ...]) -> None:
    height = {name: number for number, line in enumerate(order) for name in line}

    def package(module: str) -> str:
        return module.removeprefix(f"{root}.").split(".")[0]

    inside = [module for module in MODULES if module.startswith(f"{root}.")]
    assert {package(module) for module in inside} == set(height)
    wrong = {
        module: sorted(upward)
        for module in inside
        if (
            upward := {
                other
                for other in _neighbors(module)
                if other.startswith(f"{root}.")
                and package(other) != package(module)
                and height[package(other)] >= height[package(module)]
            }
        )
    }
    assert wrong == {}


def test_no_folder_holds_more_than_twenty_modules() -> None:
    counts = {
        folder: len([path for path in SOURCES if path.parent == folder and path.name != "__init__.py"])
        for folder in {path.parent for path in SOURCES}
    }
    assert {_name(folder): count for folder, count in counts.items() if count > MOST_MODULES} == {}


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_uses(path: Path) -> Iterator[str]:
    """Yield the private names that a test reaches for: as an attribute, by import, or to put something in place."""
    own = {
        node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else node.attr
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        or (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self")
    }
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and _is_private(node.attr) and node.attr not in own:
            if ast.unparse(node.value) != "os":  # os._exit
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LAYERS:
            yield from (alias.name for alias in node.names if _is_private(alias.name))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("setattr", "setitem", "delattr")):
            for given in node.args[:2]:
                value = given.value if isinstance(given, ast.Constant) else None
                if isinstance(value, str) and _is_private(value.rsplit(".", 1)[-1]):
                    yield ast.unparse(node)


def test_tests_reach_for_public_names_only() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    found = [f"{_name(path)}: {use}" for path in tests for use in _private_uses(path)]
    assert not found, "\n".join(found)
