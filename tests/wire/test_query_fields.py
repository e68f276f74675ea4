import pytest
from botocore.model import ServiceModel

from crossdock.wire.http import HttpRequest
from crossdock.wire.malformed import Malformed
from crossdock.wire.query_fields import MAX_DEPTH, FieldStyle, build_tree, form_fields, read_structure

MODEL = ServiceModel(
    {
        "shapes": {
            "String": {"type": "string"},
            "Integer": {"type": "integer"},
            "Names": {"type": "list", "member": {"shape": "String"}},
            "Tags": {"type": "list", "member": {"shape": "Pair", "locationName": "Tag"}},
            "FlatNames": {"type": "list", "flattened": True, "member": {"shape": "String"}},
            "FlatTags": {"type": "list", "flattened": True, "member": {"shape": "Pair", "locationName": "Tag"}},
            "Pair": {"type": "structure", "members": {"Key": {"shape": "String"}, "Number": {"shape": "Integer"}}},
            "Numbers": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Integer"}},
            "FlatNumbers": {
                "type": "map",
                "flattened": True,
                "key": {"shape": "String", "locationName": "K"},
                "value": {"shape": "Integer", "locationName": "V"},
            },
            "All": {
                "type": "structure",
                "members": {
                    "Name": {"shape": "String"},
                    "Number": {"shape": "Integer"},
                    "Names": {"shape": "Names"},
                    "Tags": {"shape": "Tags"},
                    "FlatNames": {"shape": "FlatNames"},
                    "FlatTags": {"shape": "FlatTags"},
                    "Numbers": {"shape": "Numbers"},
                    "FlatNumbers": {"shape": "FlatNumbers"},
                    "Pair": {"shape": "Pair"},
                },
            },
        }
    }
)
STYLE = FieldStyle(member_name=lambda key, member: member.serialization.get("name", key), always_flattened=False)


def read(query, style=STYLE):
    fields = form_fields(HttpRequest(method="GET", path="/", query=query))
    return read_structure(MODEL.shape_for("All"), build_tree(fields), style)


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("Name=a+b&Unknown=1&Unknown.member.1=x", {"Name": "a b"}),
        ("Name=", {"Name": ""}),
        ("Number=5", {"Number": 5}),
        ("Names.member.1=a&Names.member.2=b", {"Names": ["a", "b"]}),
        ("Names.member.10=j&Names.member.9=i", {"Names": ["i", "j"]}),
        ("Names=", {"Names": []}),
        ("Tags.Tag.1.Key=a&Tags.Tag.1.Number=1&Tags.Tag.2.Key=b", {"Tags": [{"Key": "a", "Number": 1}, {"Key": "b"}]}),
        ("FlatNames.1=a&FlatNames.2=b", {"FlatNames": ["a", "b"]}),
        ("Tag.1.Key=a", {"FlatTags": [{"Key": "a"}]}),
        ("Numbers.entry.1.key=a&Numbers.entry.1.value=1", {"Numbers": {"a": 1}}),
        ("FlatNumbers.1.K=a&FlatNumbers.1.V=1&FlatNumbers.2.K=b&FlatNumbers.2.V=2", {"FlatNumbers": {"a": 1, "b": 2}}),
        ("Pair.Key=a", {"Pair": {"Key": "a"}}),
    ],
)
def test_dotted_names_are_read_by_their_shapes(query, params):
    assert read(query) == params


def test_ec2_lists_have_no_level_of_their_own():
    style = FieldStyle(member_name=lambda key, member: key, always_flattened=True)
    assert read("Names.1=a&Tags.1.Key=k&FlatTags.1.Key=f", style) == {
        "Names": ["a"],
        "Tags": [{"Key": "k"}],
        "FlatTags": [{"Key": "f"}],
    }


@pytest.mark.parametrize(
    "query",
    [
        "Name=a&Name=b",
        "Name=%ff",
        "Name.x=a",
        "Number=five",
        "Names=a",
        "Names.other.1=a",
        "Names.member.1=a&Names.other.1=b",
        "Names.member.x=a",
        "Names.member.-1=a",
        "Names.member.1=a&Names.member.01=b",
        "Names.member.9999999999=a",
        "Names.member=a",
        "Names.member.1.x=a",
        "Names=x&Names.member.1=a",
        "Pair=a",
        "Numbers.entry.1.key=a",
        "Numbers.entry.1.value=1",
        "Numbers.entry.1.key.x=a&Numbers.entry.1.value=1",
        ".".join(["Names"] * (MAX_DEPTH + 1)) + "=a",
    ],
)
def test_names_that_contradict_the_shapes_are_malformed(query):
    with pytest.raises(Malformed):
        read(query)


def test_query_string_and_form_body_are_one():
    request = HttpRequest(method="POST", path="/", query="Action=A", body=b"Name=b")
    assert form_fields(request) == {"Action": "A", "Name": "b"}
    with pytest.raises(Malformed):
        form_fields(HttpRequest(method="POST", path="/", query="Action=A", body=b"Action=B"))
    with pytest.raises(Malformed):
        form_fields(HttpRequest(method="POST", path="/", body=b"Name=\xff"))
