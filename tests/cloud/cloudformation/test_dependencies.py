"""The order in which resources are made."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.cloud.cloudformation.dependencies import creation_order, in_order, references
from crossdock.cloud.cloudformation.template import Resource, Template
from crossdock.core.errors import ServiceError

WAYS: dict[str, Any] = {
    "Ref": lambda name: {"Ref": name},
    "GetAtt": lambda name: {"Fn::GetAtt": [name, "Arn"]},
    "GetAtt as a text": lambda name: {"Fn::GetAtt": f"{name}.Arn"},
    "Sub": lambda name: {"Fn::Sub": f"x-${{{name}}}-${{AWS::Region}}"},
    "Sub of an attribute": lambda name: {"Fn::Sub": f"${{ {name}.Some.Arn }}"},
    "own variable of Sub": lambda name: {"Fn::Sub": ["${Own}", {"Own": {"Ref": name}}]},
    "text of a Sub with variables": lambda name: {"Fn::Sub": [f"${{Own}}${{{name}}}", {"Own": "x"}]},
    "deep inside": lambda name: [{"a": {"Fn::Join": ["", ["x", {"Fn::If": ["C", {"Ref": name}, ""]}]]}}],
    "inside the attribute's name": lambda name: {"Fn::GetAtt": ["N0", {"Ref": name}]},
    "inside Fn::ImportValue": lambda name: {"Fn::ImportValue": {"Fn::Sub": f"${{{name}}}"}},
}


def resources(needs: Mapping[str, Any], **attributes: Any) -> dict[str, Resource]:
    """Resources by name, each with its one property."""
    return {
        name: Resource(logical_id=name, type="AWS::S3::Bucket", properties={"P": value}, **attributes)
        for name, value in needs.items()
    }


def order(made: Mapping[str, Resource], *, parameters: Mapping[str, Any] | None = None) -> list[str]:
    return creation_order(Template(resources=made, parameters=parameters or {}), made)


def refusal(made: Mapping[str, Resource], *, parameters: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(ServiceError) as caught:
        order(made, parameters=parameters)
    assert caught.value.code == "ValidationError"
    return caught.value.message


@pytest.mark.parametrize("way", WAYS)
def test_a_resource_comes_after_what_it_mentions(way: str):
    assert order(resources({"N1": WAYS[way]("N2"), "N2": "x", "N0": "x"})).index("N2") < 2
    assert order(resources({"N1": WAYS[way]("N2"), "N2": "x", "N0": "x"}))[-1] == "N1"


def test_a_resource_comes_after_what_it_depends_on():
    made = {**resources({"A": "x"}, depends_on=("C", "B")), **resources({"B": {"Ref": "C"}, "C": "x"})}
    assert order(made) == ["C", "B", "A"]


def test_without_needs_the_templates_order_stays():
    names = ["D", "B", "A", "C"]
    assert order(resources({name: {"Ref": "AWS::Region"} for name in names})) == names


def test_those_that_become_free_together_stay_in_the_templates_order():
    assert order(resources({"D": {"Ref": "Z"}, "C": {"Ref": "Z"}, "Z": "x", "B": {"Ref": "Z"}})) == ["Z", "D", "C", "B"]


def test_parameters_and_pseudo_parameters_are_there_already():
    made = resources({"A": [{"Ref": "P"}, {"Fn::Sub": "${P}${AWS::StackName}"}, {"Ref": "AWS::NoValue"}]})
    assert order(made, parameters={"P": {"Type": "String"}}) == ["A"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"Ref": "No"}, "No"),
        ({"Fn::GetAtt": ["No", "Arn"]}, "No"),
        ({"Fn::Sub": "${No.Arn}${Nor}"}, "No, Nor"),
        ({"Ref": "AWS::No"}, "AWS::No"),
    ],
)
def test_a_reference_to_nothing_is_refused_by_name(value: Any, names: str):
    assert refusal(resources({"A": value})) == (
        f"Template format error: Unresolved resource dependencies [{names}] in the Resources block of the template"
    )


def test_depends_on_names_resources_and_nothing_else():
    made = resources({"A": "x"}, depends_on=("P", "No"))
    assert refusal(made, parameters={"P": {"Type": "String"}}) == (
        "Template format error: Unresolved resource dependencies [No, P] in the Resources block of the template"
    )


@pytest.mark.parametrize(
    ("needs", "circle"),
    [
        ({"A": {"Ref": "A"}}, "A"),
        ({"A": {"Ref": "B"}, "B": {"Fn::GetAtt": ["A", "Arn"]}}, "A, B"),
        (
            {"C": {"Fn::Sub": "${A}"}, "A": {"Ref": "B"}, "B": {"Ref": "C"}, "Free": "x", "F2": {"Ref": "Free"}},
            "A, B, C",
        ),
    ],
)
def test_a_circle_is_refused_with_the_names_in_it(needs: dict[str, Any], circle: str):
    assert refusal(resources(needs)) == f"Circular dependency between resources: [{circle}]"


def test_resources_whose_condition_does_not_hold_are_not_waited_for():
    made = {
        **resources({"A": {"Fn::If": ["C", {"Ref": "B"}, "x"]}}, depends_on=("Absent",)),
        **resources({"B": "x", "Absent": {"Ref": "A"}}),
    }
    present = {name: resource for name, resource in made.items() if name != "Absent"}
    assert creation_order(Template(resources=made), present) == ["B", "A"]


def test_only_the_branch_that_is_taken_is_waited_for():
    made = resources(
        {
            "A": {"Fn::If": ["C", {"Ref": "B"}, "x"]},
            "B": {"Fn::If": ["C", "x", {"Fn::If": ["D", "x", {"Fn::GetAtt": ["A", {"Ref": "A"}]}]}]},
        }
    )
    template = Template(resources=made)
    assert creation_order(template, made, {"C": True}.__getitem__) == ["B", "A"]
    assert creation_order(template, made, {"C": False, "D": True}.__getitem__) == ["A", "B"]
    assert creation_order(template, made, {"C": False, "D": False}.__getitem__) == ["A", "B"]
    # Before anything is known of conditions, both branches count.
    assert refusal(made) == "Circular dependency between resources: [A, B]"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("${A}", []),
        (5, []),
        ({"Ref": "A"}, ["A"]),
        ({"Ref": ["A"]}, []),
        ({"Ref": "A", "Other": {"Ref": "B"}}, ["B"]),
        ({"Fn::GetAtt": "A"}, ["A"]),
        ({"Fn::GetAtt": []}, []),
        ({"Fn::GetAtt": ""}, []),
        ({"Fn::GetAtt": {"A": "B"}}, []),
        ({"Fn::GetAtt": [{"Ref": "A"}, "Arn"]}, []),
        ({"Fn::GetAtt": ["A", {"Ref": "B"}]}, ["A", "B"]),
        ({"Fn::Sub": "$A {A} ${!A} $${A} ${A"}, ["A"]),
        ({"Fn::Sub": "${}"}, [""]),
        ({"Fn::Sub": ["${A}${B}", {"A": {"Ref": "C"}}]}, ["C", "B"]),
        ({"Fn::Sub": ["${A.B}${C.D}", {"A.B": "x"}]}, ["C"]),
        ({"Fn::Sub": ["${A}"]}, []),
        ({"Fn::Sub": {"Ref": "A"}}, []),
        ({"Fn::If": ["C", {"Ref": "A"}, {"Ref": "B"}]}, ["A", "B"]),
        ({"Condition": "A"}, []),
    ],
)
def test_names_are_found_where_functions_mention_them(value: Any, names: list[str]):
    assert list(references(value)) == names


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    """Names in any order, each needing some of those that come before it in another order."""
    names = [f"N{number}" for number in range(draw(st.integers(1, 12)))]
    needs = {
        name: draw(st.sets(st.sampled_from(names[:number]), max_size=4)) if number else set()
        for number, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


@settings(deadline=None, max_examples=40)
@given(acyclic_graphs(), st.sampled_from(sorted(WAYS)))
def test_every_resource_comes_after_all_it_needs(needs: dict[str, set[str]], way: str):
    # N0 needs nothing, so that it may be mentioned by all others.
    made = resources({name: [WAYS[way](other) for other in sorted(needed)] for name, needed in needs.items()})
    found = order(made)
    assert sorted(found) == sorted(needs)
    for name, needed in needs.items():
        assert all(found.index(other) < found.index(name) for other in needed)


@settings(deadline=None, max_examples=25)
@given(acyclic_graphs(), st.integers(2, 4))
def test_a_circle_is_found_in_any_graph_and_what_is_free_is_not_named(needs: dict[str, set[str]], length: int):
    circle = {f"C{number}": {f"C{(number + 1) % length}", *list(needs)[:1]} for number in range(length)}
    made = resources(
        {name: [{"Ref": other} for other in sorted(needed)] for name, needed in {**needs, **circle}.items()}
    )
    assert refusal(made) == f"Circular dependency between resources: [{', '.join(sorted(circle))}]"
    assert sorted(in_order({**needs, **circle})) == sorted(needs)


def test_a_long_chain_is_ordered_without_recursion():
    chain: dict[str, set[str]] = {f"N{number}": {f"N{number + 1}"} for number in range(5_000)}
    assert in_order({**chain, "N5000": set()}) == [f"N{number}" for number in range(5_000, -1, -1)]
