"""Templates as data: what JSON and YAML become, and what is refused before anything is built."""

import json
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.cloud.cloudformation.loading import MAX_DEPTH, MAX_OBJECT_BYTES, MAX_VALUES, is_speakable, load_template
from crossdock.core.errors import ServiceError

FORMAT = "Template format error: "
MALFORMED = FORMAT + "YAML not well-formed. "
CONTROL = FORMAT + "unsupported character: a text holds a control character"
TOO_LARGE = FORMAT + "a number is too large; write it as a text"
TOO_DEEP = FORMAT + "nested too deeply"
UNSUPPORTED = FORMAT + "unsupported structure."


def load(text: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> dict[str, Any]:
    return load_template(text, max_bytes=max_bytes)


def value(text: str) -> Any:
    """What YAML makes of a value."""
    return load(f"a: {text}")["a"]


def refusal(text: str, **limits: int) -> str:
    with pytest.raises(ServiceError) as caught:
        load(text, **limits)
    assert caught.value.code == "ValidationError"
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("text", "text"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("true", True),
        ("False", False),
        ("yes", True),
        ("No", False),
        ("on", True),
        ("OFF", False),
        ("y", "y"),
        ("n", "n"),
        ("[1, a, true]", [1, "a", True]),
        ("{b: {c: d}}", {"b": {"c": "d"}}),
        ("&anchor 1", 1),
        ("|\n  x\n   y\n", "x\n y\n"),
        (">\n  x\n  y\n", "x y\n"),
        ("'😀 ä\t'", "😀 ä\t"),
        ("!!str 5", "5"),
        ("!!int 5", 5),
        ("!!bool on", True),
        ("!!float 2.5", 2.5),
        ("!!seq [x]", ["x"]),
        ("!!map {x: y}", {"x": "y"}),
    ],
)
def test_a_yaml_value_becomes_what_it_looks_like(text: str, expected: object):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "000000000012",
        "012345678901",
        "-01",
        "0x1F",
        "0b11",
        "0o17",
        "1_000",
        "12:30:45",
        "1e3",
        ".5",
        "1.",
        ".inf",
        ".nan",
        "2010-09-09",
        "2012-10-17T00:00:00Z",
        "=",
        "<<",
        "9" * 19,
        "9" * 5000,
        "nULL",
    ],
)
def test_an_account_id_a_date_and_other_oddities_of_yaml_stay_texts(text: str):
    assert value(text) == text


def test_names_are_texts_as_they_are_written():
    names = ["on", "yes", "1", "010", "~", "null", "2010-09-09", "1.0", "<<", "ä"]
    assert list(load("\n".join(f"{name}: x" for name in names))) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Ref 010", {"Ref": "010"}),
        ("!Ref AWS::Region", {"Ref": "AWS::Region"}),
        ("!Condition C", {"Condition": "C"}),
        ("!GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A.Outputs.B", {"Fn::GetAtt": ["A", "Outputs.B"]}),
        ("!GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A", {"Fn::GetAtt": ["A"]}),
        ("!Sub '${A}'", {"Fn::Sub": "${A}"}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!Join [',', [a, !Ref B]]", {"Fn::Join": [",", ["a", {"Ref": "B"}]]}),
        ("!Select [0, [a]]", {"Fn::Select": [0, ["a"]]}),
        ("!Split [',', 'a,b']", {"Fn::Split": [",", "a,b"]}),
        ("!Base64 x", {"Fn::Base64": "x"}),
        ("!Base64\n  Fn::Sub: x", {"Fn::Base64": {"Fn::Sub": "x"}}),
        ("!ImportValue x", {"Fn::ImportValue": "x"}),
        ("!FindInMap [A, b, c]", {"Fn::FindInMap": ["A", "b", "c"]}),
        ("!If [C, x, !Ref AWS::NoValue]", {"Fn::If": ["C", "x", {"Ref": "AWS::NoValue"}]}),
        ("!Equals [a, b]", {"Fn::Equals": ["a", "b"]}),
        ("!Not [!Condition C]", {"Fn::Not": [{"Condition": "C"}]}),
        ("!And [!Condition C, !Condition D]", {"Fn::And": [{"Condition": "C"}, {"Condition": "D"}]}),
        ("!Or [!Condition C, !Equals [a, b]]", {"Fn::Or": [{"Condition": "C"}, {"Fn::Equals": ["a", "b"]}]}),
        ("!Cidr [a, 1, 5]", {"Fn::Cidr": ["a", 1, 5]}),
        ("!GetAZs ''", {"Fn::GetAZs": ""}),
        ("!Transform {Name: x}", {"Fn::Transform": {"Name": "x"}}),
    ],
)
def test_a_short_form_is_the_long_one(text: str, expected: object):
    assert value(text) == expected


@pytest.mark.parametrize("prefix", ["", "\n  ", "\ufeff"])
def test_json_is_told_by_its_brace(prefix: str):
    text = prefix + '{"a": {"b": [1, 1.5, "010", true, {}]}}'
    assert load(text) == {"a": {"b": [1, 1.5, "010", True, {}]}}


JSON_VALUES = st.recursive(
    st.booleans() | st.integers(-(10**18), 10**18) | st.text(st.characters(codec="utf-8")).filter(is_speakable),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6).filter(is_speakable), children, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=20)
@given(st.dictionaries(st.text("abc:", min_size=1, max_size=4), JSON_VALUES, max_size=3))
def test_what_was_written_as_json_is_read_back(document: dict[str, Any]):
    assert load(json.dumps(document)) == document
    assert load(json.dumps(document, ensure_ascii=False, indent=1)) == document


@settings(deadline=None, max_examples=20)
@given(st.dictionaries(st.text("abc:", min_size=1, max_size=4), JSON_VALUES, min_size=1, max_size=3))
def test_what_was_written_as_yaml_is_read_back(document: dict[str, Any]):
    # Its writer quotes what would not be a text; names it leaves bare are texts all the same.
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=False, default_style='"')
    assert load(text.replace('!!int "', '"').replace('!!bool "', '"')) == as_texts(document)


def as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: as_texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


@settings(deadline=None, max_examples=100)
@given(st.text("ab:{}[]!&*?|>-'\"%@#, \n\t0.~\\", max_size=40))
def test_no_text_brings_the_reader_down(text: str):
    try:
        document: object = load(text)
    except ServiceError as error:
        document = {"refused": error.message}
    assert isinstance(document, dict)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b: c", "line 1, column 5"),
        ("a: 1\nb: [", "line 3, column 1"),
        ("a:\n\t- b", "line 2, column 1"),
        ("a: 1\nb: 'x", "line 2, column 6"),
        ("---\na: 1\n---\nb: 1", "line 3, column 1"),
        ("%YAML 3.0\n---\na: 1", "line 1, column 1"),
        ("a: 1\nb: !!int x", "line 2, column 4"),
    ],
)
def test_malformed_yaml_is_refused_with_its_place(text: str, place: str):
    assert refusal(text) == f"{MALFORMED}({place})"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        ('{"a": 1}}', "line 1, column 9"),
        ("{a: b}", "line 1, column 2"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": -Infinity}', "-Infinity is no JSON"),
        ('{"a": {"b": 1, "b": 2}}', "the key 'b' is given twice"),
    ],
)
def test_malformed_json_is_refused_with_its_place_or_reason(text: str, reason: str):
    assert refusal(text) == f"{FORMAT}JSON not well-formed. ({reason})"


@pytest.mark.parametrize(
    "text",
    [
        "!!map [b]",
        "!!map b",
        "!!map ''",
        "!!seq {b: c}",
        "!!seq b",
        "!!str [b]",
        "!!str {b: c}",
        "!!int ''",
        "!!int 1:30",
        "!!int [b]",
        "!!float ''",
        "!!float .nan",
        "!!float 1e400",
        "!!bool maybe",
        "!!null something",
    ],
)
def test_a_tag_that_does_not_fit_its_value_is_malformed(text: str):
    assert refusal(f"a: {text}") == f"{MALFORMED}(line 1, column 4)"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!Unknown x", "!Unknown"),
        ("!ref x", "!ref"),
        ("!Fn::Ref x", "!Fn::Ref"),
        ("!!binary aGk=", "tag:yaml.org,2002:binary"),
        ("!!timestamp 2020-01-01", "tag:yaml.org,2002:timestamp"),
        ("!!set {x}", "tag:yaml.org,2002:set"),
        ("!!omap [x: y]", "tag:yaml.org,2002:omap"),
        ("!!python/name:os.system ''", "tag:yaml.org,2002:python/name:os.system"),
        ("!!python/object/apply:os.system [x]", "tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/tuple [x]", "tag:yaml.org,2002:python/tuple"),
        ("!<tag:yaml.org,2002:python/module:os> ''", "tag:yaml.org,2002:python/module:os"),
    ],
)
def test_an_unknown_tag_is_refused_by_name(text: str, tag: str):
    assert refusal(f"a: [{text}]") == f"{MALFORMED}(the tag '{tag}' is not known)"


def test_a_tag_prefix_does_not_smuggle_a_python_object_in():
    text = "%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.system x"
    assert refusal(text) == f"{MALFORMED}(the tag 'tag:yaml.org,2002:python/name:os.system' is not known)"


@pytest.mark.parametrize(
    "text", ["? [a]\n: b", "? {a: b}\n: c", "!Ref a: b", "!!python/name:os.system a: b", "a: !Sub {? [b] : c}"]
)
def test_a_name_that_is_no_plain_text_is_refused(text: str):
    assert refusal(text) == FORMAT + "YAML keys must be scalars"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a: 1\na: 2", "a"),
        ("'a': 1\n\"a\": 2", "a"),
        ("1: a\n'1': b", "1"),
        ("x: {b: 1, b: 2}", "b"),
        ("x: !Sub ['', {b: 1, b: 2}]", "b"),
    ],
)
def test_a_doubled_name_is_refused(text: str, key: str):
    assert refusal(text) == f"{FORMAT}the key '{key}' is given twice"


def test_aliases_are_refused_before_anything_is_built():
    laughs = "a: &a [x, x]\n" + "\n".join(f"{b}: &{b} [*{a}, *{a}, *{a}]" for a, b in pairwise("abcdefghi"))
    for text in (laughs, "a: &x 1\nb: *x", "a: &x {b: *x}", "a: &x {b: 1}\nc:\n  <<: *x"):
        assert refusal(text) == "Template error: YAML aliases are not allowed in CloudFormation templates"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000,
        "? " * 10_000,
        "a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "a: " + "!Not [" * MAX_DEPTH + "]" * MAX_DEPTH,
        '{"a":' + "[" * 100_000,
        '{"a":' * 300 + "1" + "}" * 300,
    ],
)
def test_deep_nesting_is_refused(text: str):
    assert refusal(text) == TOO_DEEP


def test_nesting_up_to_the_limit_is_read():
    within = MAX_DEPTH - 1
    for nested in ("[" * within + "1" + "]" * within, '{"b": ' * within + "1" + "}" * within):
        assert value(nested) == json.loads(nested)
        assert load(f'{{"a": {nested}}}') == {"a": json.loads(nested)}
    assert value("[" + "[1], {b: c}, " * MAX_DEPTH + "]") == [[1], {"b": "c"}] * MAX_DEPTH


def test_short_forms_count_as_nesting():
    # Each is an object and a list when it is written out.
    assert refusal("a: " + "!Not [" * (MAX_DEPTH // 2) + "x" + "]" * (MAX_DEPTH // 2)) == TOO_DEEP


@pytest.mark.parametrize(
    "text", ['{"a": 1000000000000000001}', '{"a": -1e19}', '{"a": 1e400}', '{"a": %s}' % ("9" * 5000)]
)
def test_a_number_that_no_text_would_hold_faithfully_is_refused(text: str):
    assert refusal(text) == TOO_LARGE


def test_numbers_up_to_the_limit_are_read():
    assert load('{"a": [1000000000000000000, -1000000000000000000, 1e18]}') == {"a": [10**18, -(10**18), 1e18]}


@pytest.mark.parametrize(
    "text",
    [
        "a: \x01",
        "a: \x00",
        "\x0ba: b",
        'a: "\\0"',
        'a: "\\x1b"',
        '"\\x07": b',
        "a: ['\ufffe']",
        "a: \ud800",
        '{"a": "\\u0000"}',
        '{"\\u0008": 1}',
        '{"a": ["\\ud800"]}',
    ],
)
def test_what_no_answer_could_hold_is_refused(text: str):
    assert refusal(text) == CONTROL


def test_a_surrogate_pair_in_json_is_one_character():
    assert load('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


@pytest.mark.parametrize("text", ["", "  ", "\n", "x", "[1]", "5", "null", "- a", "# nothing", '"{}"'])
def test_a_document_that_is_no_object_is_refused(text: str):
    assert refusal(text) == UNSUPPORTED


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Outputs:\n", "/Outputs"),
        ("Resources:\n  A:\n    DependsOn: [~]", "/Resources/A/DependsOn/0"),
        ('{"Resources": {"A": {"Properties": {"P": [1, {"x": null}]}}}}', "/Resources/A/Properties/P/1/x"),
    ],
)
def test_a_null_is_refused_with_its_place(text: str, place: str):
    assert refusal(text) == f"[{place}] 'null' values are not allowed in templates"


@pytest.mark.parametrize("max_bytes", [51_200, 10])
def test_a_template_is_as_large_as_allowed_and_no_larger(max_bytes: int):
    fitting = "a: " + "ä" * ((max_bytes - 3) // 2)
    fitting += "x" * (max_bytes - len(fitting.encode()))
    assert load(fitting, max_bytes=max_bytes)["a"]
    assert refusal(fitting + "x", max_bytes=max_bytes) == (
        "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
        f"Member must have length less than or equal to {max_bytes}"
    )


def test_a_template_of_very_many_values_is_refused_before_they_are_built():
    assert (
        refusal("a: [" + "b," * MAX_VALUES + "]") == f"{FORMAT}the template has more than {MAX_VALUES} names and values"
    )
