"""Template text to plain data: JSON, or YAML with the short forms of functions.

YAML is read by libyaml where there is one. Aliases and depth are looked for in the events, before anything is built:
neither a billion laughs nor a million brackets get further.

Source: AWS CloudFormation User Guide, "Template format"; YAML 1.1 (what CloudFormation reads, but for its oddities: an
account id with a leading zero stays a text, and so do dates and times).
"""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml

from crossdock.core.errors import ServiceError

MAX_BODY_BYTES = 51_200
MAX_OBJECT_BYTES = 1_048_576
MAX_DEPTH = 64
MAX_VALUES = 100_000
"""And names, of a YAML template: each takes time to build."""
_MAX_NUMBER = 10**18
_SHORT_FORMS = (
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "Transform",
)
_PLAIN: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0", lambda _: None),
    (
        "tag:yaml.org,2002:bool",
        r"(?i:yes|no|true|false|on|off)",
        "yYnNtTfFoO",
        lambda text: text.lower() in ("yes", "true", "on"),
    ),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789", int),
    ("tag:yaml.org,2002:float", r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}", "-+0123456789", float),
)
"""What a scalar without quotes may be besides a text: tag, pattern, first characters, and what is made of it."""
_TEXT = "tag:yaml.org,2002:str"
_NAME_TAGS = frozenset({_TEXT, *(tag for tag, *_ in _PLAIN)})
# What cannot be said in the XML of an answer. Source: XML 1.0, section 2.2.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def invalid(sentence: str) -> ServiceError:
    return ServiceError("ValidationError", sentence)


class _Loader(_BaseLoader):  # type: ignore[misc]  # chosen above, as PyYAML was built
    """YAML as CloudFormation reads it."""


def _construct(loader: Any, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(item, deep=True) for item in node.value]
    return _construct_mapping(loader, node)


def _construct_mapping(loader: Any, node: yaml.Node) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _misplaced_tag(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _NAME_TAGS:
            raise invalid("Template format error: YAML keys must be scalars")
        # As it is written: `on:` and `111111111111:` are names here.
        key = key_node.value
        if key in mapping:
            raise invalid(f"Template format error: the key {_shown(key)} is given twice")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _construct_get_att(loader: Any, node: yaml.Node) -> dict[str, Any]:
    value = _construct(loader, node)
    return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}


def _refuse_tag(_loader: Any, node: yaml.Node) -> NoReturn:
    raise invalid(f"Template format error: YAML not well-formed. (the tag {_shown(node.tag)} is not known)")


def _short_form(name: str) -> Any:
    return lambda loader, node: {name: _construct(loader, node)}


def _plain(pattern: re.Pattern[str], make: Callable[[str], Any]) -> Any:
    """What also reads a tag that is written out, whose text may be anything: `!!int ''`."""

    def construct(_loader: Any, node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode) or not pattern.match(node.value):
            raise _misplaced_tag(node)
        return make(node.value)

    return construct


def _misplaced_tag(node: yaml.Node) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=f"this is no {node.tag}", problem_mark=node.start_mark)


_SEQUENCE = "tag:yaml.org,2002:seq"
_Loader.yaml_implicit_resolvers = {}
_Loader.yaml_constructors = {_SEQUENCE: _BaseLoader.yaml_constructors[_SEQUENCE]}
for _tag, _expression, _first, _make in _PLAIN:
    _pattern = re.compile(rf"(?:{_expression})\Z")
    _Loader.add_implicit_resolver(_tag, _pattern, ["" if c == "\0" else c for c in _first])
    _Loader.add_constructor(_tag, _plain(_pattern, _make))
_Loader.add_constructor(_TEXT, _plain(re.compile(""), str))
_Loader.add_constructor(None, _refuse_tag)
for _name in _SHORT_FORMS:
    _Loader.add_constructor(f"!{_name}", _short_form(f"Fn::{_name}"))
_Loader.add_constructor("!Ref", _short_form("Ref"))
_Loader.add_constructor("!Condition", _short_form("Condition"))
_Loader.add_constructor("!GetAtt", _construct_get_att)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def check_size(text: str, max_bytes: int) -> None:
    """Raises ServiceError ValidationError, as AWS words it, for a template that is too long to be read."""
    if len(text.encode(errors="surrogatepass")) > max_bytes:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {max_bytes}"
        )


def load_template(text: str, *, max_bytes: int) -> dict[str, Any]:
    """The document of a template: texts, numbers, booleans, null, lists and objects with texts as names.

    Raises:
        ServiceError: ValidationError with AWS's "Template format error" and what is wrong.
    """
    check_size(text, max_bytes)
    _check_text(text)
    is_json = text.lstrip().startswith("{")
    try:
        document = _load_json(text) if is_json else _load_yaml(text)
    except (yaml.YAMLError, ValueError) as error:
        kind = "JSON" if is_json else "YAML"
        raise invalid(f"Template format error: {kind} not well-formed. ({_place(error)})") from error
    except RecursionError as error:
        raise _too_deep() from error
    _check_values(document, 0)
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    if (place := _null_place(document)) is not None:
        raise invalid(f"[{place[:1000]}] 'null' values are not allowed in templates")
    return document


def _load_yaml(text: str) -> Any:
    depth = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        values += isinstance(event, yaml.NodeEvent)
        if values > MAX_VALUES:
            raise invalid(f"Template format error: the template has more than {MAX_VALUES} names and values")
        if isinstance(event, yaml.AliasEvent):
            raise invalid("Template error: YAML aliases are not allowed in CloudFormation templates")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    # The loader is a safe one, narrowed further.
    return yaml.load(text, Loader=_Loader)


def _load_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_no_doubled_keys, parse_constant=_no_constant, parse_int=_whole)


def _whole(digits: str) -> int:
    # Python reads no number of more than 4,300 digits.
    if len(digits) > len(str(-_MAX_NUMBER)):
        raise _too_large()
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {_shown(name)} is given twice")
        found[name] = value
    return found


def _check_values(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_values(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_values(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, int | float) and abs(value) > _MAX_NUMBER:
        raise _too_large()


def _null_place(value: Any) -> str | None:
    """The way to the first null below this value."""
    if value is None:
        return ""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        if (place := _null_place(item)) is not None:
            return f"/{name}{place}"
    return None


def is_speakable(text: str) -> bool:
    """Whether an answer can hold it."""
    return _UNSPEAKABLE.search(text) is None


def _check_text(text: str) -> None:
    if not is_speakable(text):
        raise invalid("Template format error: unsupported character: a text holds a control character")


def _too_large() -> ServiceError:
    return invalid("Template format error: a number is too large; write it as a text")


def _too_deep() -> ServiceError:
    return invalid("Template format error: nested too deeply")


def _place(error: Exception) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is not None:
        return f"line {mark.line + 1}, column {mark.column + 1}"
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    return str(error).splitlines()[0][:200]


def _shown(name: object) -> str:
    return repr(str(name)[:100])
