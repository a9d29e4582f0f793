"""A configuration as YAML text, both ways.

Numbers and switches are read as YAML 1.2 has them: `1e-3` is a number, and only `true` and `false` are switches, so
that a class called `no` or `on` stays a word. Anchors, aliases and tags are refused, as is a key that comes twice.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, ClassVar

from core.errors import AppError, BadInput
from core.training.configuration.reading import read_configuration
from core.training.configuration.records import RunConfiguration

LARGEST_BYTES = 64 * 1024
_DEEPEST = 12
_WIDTH = 120
_LONGEST_NUMBER = 60
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_SWITCH = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_WHOLE = re.compile(r"^[-+]?[0-9]+$")
_NUMBER = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


def parse_configuration(text: str) -> RunConfiguration:
    """Return the configuration in a YAML text.

    Raises BadInput as `read_configuration`, each with the `line` where it can be named, and config_too_large,
    config_syntax, config_tab, config_too_deep, config_reference, config_tag, config_key_twice, config_several.
    """
    values, lines = _load(text)
    try:
        return read_configuration(values)
    except BadInput as error:
        raise _at_line(error, _find_line(lines, error)) from error


def say_line(text: str, error: AppError) -> AppError:
    """Return an error about a setting with the line of the text that names it; the error itself where none does."""
    if error.params.get("at") != "" or "field" not in error.params:
        return error
    try:
        _values, lines = _load(text)
    except BadInput:
        return error
    return _at_line(error, _find_line(lines, error))


def write_yaml(configuration: RunConfiguration) -> str:
    """Return the configuration as the YAML text that `parse_configuration` reads to the very same one."""
    import yaml

    made: str = yaml.dump(configuration.to_json(), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDTH)
    return made


def _at_line(error: AppError, line: int | None) -> AppError:
    if line is None:
        return error
    at = {"en": f"Line {line}: ", "ko": f"{line}번째 줄: "}
    return type(error)(error.code, **{**error.params, "at": at, "line": line})


def _find_line(lines: dict[str, int], error: AppError) -> int | None:
    """Return the line of the setting that an error is about, or of the section that holds it."""
    path = str(error.params.get("field", ""))
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def _load(text: str) -> tuple[object, dict[str, int]]:
    """Return the plain values in a text, and the line of every key by its path."""
    import yaml

    if len(text.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise BadInput("config_too_large", highest=LARGEST_BYTES // 1024)
    try:
        _refuse_tricks(text)
        loader = _loader()(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, {}
            lines: dict[str, int] = {}
            _note_lines(node, "", lines)
            return loader.construct_document(node), lines
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _unreadable(text, error) from error


def _refuse_tricks(text: str) -> None:
    """Raise BadInput for what a configuration never needs, before anything is built from it."""
    import yaml

    depth = documents = 0
    for event in yaml.parse(text, Loader=_loader()):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refused("config_several", line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused("config_reference", line)
        if getattr(event, "tag", None):
            raise _refused("config_tag", line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise _refused("config_too_deep", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _note_lines(node: Any, path: str, lines: dict[str, int]) -> None:
    """Note the line of each key; raise BadInput for one that stands there twice."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _note_lines(one, path, lines)
    if not isinstance(node, yaml.MappingNode):
        return
    own: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _refused("config_syntax", line)
        if key.value in own:
            raise _refused("config_key_twice", line, field=key.value[:_LONGEST_NUMBER])
        own.add(key.value)
        inner = f"{path}.{key.value}" if path else key.value
        lines.setdefault(inner, line)
        _note_lines(value, inner, lines)


def _refused(reason: str, line: int, **params: Any) -> BadInput:
    found = _at_line(BadInput(reason, at="", **params), line)
    assert isinstance(found, BadInput)
    return found


def _unreadable(text: str, error: Exception) -> BadInput:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        # A character that YAML does not allow at all, with its place in the text.
        place = getattr(error, "position", 0)
        return _refused("config_syntax", text.count("\n", 0, place if isinstance(place, int) else 0) + 1)
    written = text.splitlines()
    line = min(mark.line, max(0, len(written) - 1))
    # A tab is complained about at itself, or where the line goes on behind it.
    has_tab = bool(written) and "\t" in written[line][: len(written[line]) - len(written[line].lstrip())]
    return _refused("config_tab" if has_tab else "config_syntax", line + 1)


@cache
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Reads YAML 1.2's plain values and nothing else."""

        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_whole(loader: Any, node: Any) -> int:
        if len(node.value) > _LONGEST_NUMBER:
            raise yaml.constructor.ConstructorError(None, None, "a number of too many digits", node.start_mark)
        return int(loader.construct_scalar(node))

    def construct_number(loader: Any, node: Any) -> float:
        written = loader.construct_scalar(node).lower()
        return float(written.replace(".inf", "inf").replace(".nan", "nan"))

    for tag, pattern, first in _resolvers():
        Loader.add_implicit_resolver(tag, pattern, first)
    Loader.add_constructor("tag:yaml.org,2002:int", construct_whole)
    Loader.add_constructor("tag:yaml.org,2002:float", construct_number)
    return Loader


@cache
def _dumper() -> Any:
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        """Quotes every text that the loader, or one of YAML 1.1, would take for something else."""

        def ignore_aliases(self, data: Any) -> bool:
            """Write every value out."""
            return True

    for tag, pattern, first in _resolvers():
        Dumper.add_implicit_resolver(tag, pattern, first)
    return Dumper


def _resolvers() -> tuple[tuple[str, re.Pattern[str], list[str]], ...]:
    digits = list("-+0123456789")
    return (
        ("tag:yaml.org,2002:null", _NULL, ["~", "n", "N", ""]),
        ("tag:yaml.org,2002:bool", _SWITCH, list("tTfF")),
        ("tag:yaml.org,2002:int", _WHOLE, digits),
        ("tag:yaml.org,2002:float", _NUMBER, [*digits, "."]),
    )
