"""YAML as a scenario is written: plain data by the YAML 1.2 core rules, with the place of each.

PyYAML follows YAML 1.1, where Norway's ``NO`` is false, ``1e6`` is a text and ``12:30`` is 750.
Here ``NO``, ``on``, ``12:30`` and dates are texts, ``1e6`` is a number. Duplicate keys, merge keys
(``<<``), tags that build objects, and files that unfold without bound are refused, each with its
line and column; nothing in a file is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from cosim.errors import Problem, ScenarioError

Loc = tuple[str | int, ...]

MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 60
MAX_DIGITS = 40

_CORE = "tag:yaml.org,2002:"
_SCALAR_RULES = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was written: a file with 1-based line and column, or a flag with line 0."""

    file: str
    line: int = 0
    column: int = 0


@dataclass
class Marks:
    """Places of keys and values by location, e.g. ``("sites", "dallas", "gpus", "count")``."""

    keys: dict[Loc, Place] = field(default_factory=dict)
    values: dict[Loc, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None) and where each part of it stands."""

    data: Any
    marks: Marks


class _TooDeepError(yaml.MarkedYAMLError):
    """Raised instead of exhausting the stack on a file of brackets."""


class Yaml12Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalar rules of YAML 1.2 and bounded nesting."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    _depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose one node, refusing nesting deeper than a scenario can need."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            problem = f"is nested deeper than {MAX_DEPTH} levels"
            peek: Callable[[], yaml.Event] = self.peek_event
            mark = cast("yaml.Mark", peek().start_mark)
            raise _TooDeepError(problem=problem, problem_mark=mark)
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in _SCALAR_RULES:
    Yaml12Loader.add_implicit_resolver(_CORE + _name, _pattern, _first)


def read_bytes(raw: bytes, file: str) -> Document:
    """Parse a file's bytes.

    Args:
        raw: the bytes as they lie on disk; UTF-8.
        file: how to name the file in errors.

    Raises:
        ScenarioError: with every located problem of syntax, keys, tags or size.
    """
    if len(raw) > MAX_BYTES:
        message = f"is {len(raw):,} bytes; a scenario has at most {MAX_BYTES:,}"
        raise ScenarioError([Problem(file, 0, 0, "", message)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"is not UTF-8 text (byte 0x{raw[error.start]:02x}); save it as UTF-8"
        raise ScenarioError([Problem(file, line, column, "", message)]) from None
    return read_text(text, file)


def read_text(text: str, file: str) -> Document:
    """Parse YAML text; see :func:`read_bytes`."""
    try:
        node = Yaml12Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ScenarioError([_syntax_problem(error, file)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        message = f"character U+{int(error.character):04X} is not allowed in YAML"
        raise ScenarioError([Problem(file, line, column, "", message)]) from None
    if node is None:
        raise ScenarioError([Problem(file, 1, 1, "", "is empty")])
    return _Unfolding(file).document(node)


def is_text(scalar: str) -> bool:
    """Whether an unquoted scalar is a text by the YAML 1.2 core rules."""
    return not any(pattern.match(scalar) for _, pattern, _ in _SCALAR_RULES)


def _syntax_problem(error: yaml.MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    said = " ".join(filter(None, (error.context, error.problem)))
    hint = ""
    if "'\\t'" in said:
        hint = "; indent with spaces, not tabs"
    elif "mapping values are not allowed" in said:
        hint = "; indent evenly, and quote a text that contains `: `"
    return Problem(file, line, column, "", f"is not valid YAML: {said}{hint}")


class _Unfolding:
    """Turns the node graph into plain data, counting nodes so that aliases cannot explode."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks = Marks()
        self.problems: list[Problem] = []
        self.count = 0
        self.open: set[int] = set()

    def document(self, root: Node) -> Document:
        self.marks.values[()] = self._place(root)
        data = self._value(root, ())
        if self.problems:
            raise ScenarioError(self.problems)
        return Document(data, self.marks)

    def _place(self, node: Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _complain(self, node: Node, loc: Loc, message: str) -> None:
        place = self._place(node)
        path = ".".join(map(str, loc))
        self.problems.append(Problem(place.file, place.line, place.column, path, message))

    def _value(self, node: Node, loc: Loc) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            self._complain(node, loc, f"unfolds to more than {MAX_NODES:,} values; use no aliases")
            raise ScenarioError(self.problems)
        if isinstance(node, ScalarNode):
            return self._scalar(node, loc)
        if id(node) in self.open:
            self._complain(node, loc, "contains itself through an alias")
            return None
        self.open.add(id(node))
        result = self._collection(node, loc)
        self.open.discard(id(node))
        return result

    def _collection(self, node: Node, loc: Loc) -> Any:
        kind = "map" if isinstance(node, MappingNode) else "seq"
        if node.tag != _CORE + kind:
            self._refuse_tag(node, loc)
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        assert isinstance(node, SequenceNode)
        items = []
        for i, item in enumerate(node.value):
            self.marks.values[(*loc, i)] = self._place(item)
            items.append(self._value(item, (*loc, i)))
        return items

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str | int, Any]:
        result: dict[str | int, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, loc)
            if key is None:
                continue
            at = (*loc, key)
            if key in result:
                first = self.marks.keys[at]
                message = f"is written twice (first at line {first.line}); keep one"
                self._complain(key_node, at, message)
                continue
            self.marks.keys[at] = self._place(key_node)
            self.marks.values[at] = self._place(value_node)
            result[key] = self._value(value_node, at)
        return result

    def _key(self, node: Node, loc: Loc) -> str | int | None:
        key = self._scalar(node, loc) if isinstance(node, ScalarNode) else None
        if key == "<<" and isinstance(node, ScalarNode) and node.style is None:
            self._complain(node, (*loc, "<<"), "merge keys are not YAML 1.2; use `extends:`")
            return None
        if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool)):
            return key
        said = f"`{node.value}`" if isinstance(node, ScalarNode) else "a collection"
        message = f"{said} cannot be a key; a key is a text or a whole number (quote it)"
        self._complain(node, loc, message)
        return None

    def _scalar(self, node: ScalarNode, loc: Loc) -> Any:
        text: str = node.value
        match node.tag.removeprefix(_CORE):
            case "str":
                return text
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "int":
                return self._integer(node, text, loc)
            case "float":
                return self._float(node, text, loc)
        self._refuse_tag(node, loc)
        return None

    def _integer(self, node: ScalarNode, text: str, loc: Loc) -> int | None:
        if len(text) <= MAX_DIGITS and re.fullmatch(_SCALAR_RULES[2][1], text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        short = text if len(text) <= MAX_DIGITS else f"{text[:12]}…"
        self._complain(
            node, loc, f"`{short}` is not a whole number of at most {MAX_DIGITS} digits"
        )
        return None

    def _float(self, node: ScalarNode, text: str, loc: Loc) -> float | None:
        if not re.fullmatch(_SCALAR_RULES[3][1], text):
            self._complain(node, loc, f"`{text}` is not a number")
            return None
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def _refuse_tag(self, node: Node, loc: Loc) -> None:
        tag = node.tag.replace(_CORE, "!!")
        message = f"tag `{tag}` is not allowed: a scenario is plain data and builds no objects"
        self._complain(node, loc, message)
