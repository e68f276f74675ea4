from datetime import UTC, datetime

import pytest
from botocore.model import ServiceModel

from crossdock.wire.malformed import Malformed
from crossdock.wire.xml_tree import parse_xml
from crossdock.wire.xml_values import XmlStyle, read_structure, write_element, write_members

MODEL = ServiceModel(
    {
        "shapes": {
            "String": {"type": "string"},
            "Integer": {"type": "integer"},
            "Time": {"type": "timestamp"},
            "Names": {"type": "list", "member": {"shape": "String"}},
            "Tags": {"type": "list", "member": {"shape": "String", "locationName": "Tag"}},
            "FlatNames": {"type": "list", "flattened": True, "member": {"shape": "String"}},
            "FlatTags": {"type": "list", "flattened": True, "member": {"shape": "String", "locationName": "Tag"}},
            "Numbers": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Integer"}},
            "FlatNumbers": {
                "type": "map",
                "flattened": True,
                "key": {"shape": "String", "locationName": "K"},
                "value": {"shape": "Integer", "locationName": "V"},
            },
            "Grantee": {
                "type": "structure",
                "required": ["Type"],
                "members": {
                    "Id": {"shape": "String", "locationName": "ID"},
                    "Type": {"shape": "String", "locationName": "xsi:type", "xmlAttribute": True},
                },
                "xmlNamespace": {"prefix": "xsi", "uri": "http://xsi"},
            },
            "All": {
                "type": "structure",
                "members": {
                    "Name": {"shape": "String", "xmlNamespace": {"uri": "http://n"}},
                    "Number": {"shape": "Integer", "locationName": "number"},
                    "When": {"shape": "Time"},
                    "Names": {"shape": "Names"},
                    "Tags": {"shape": "Tags"},
                    "FlatNames": {"shape": "FlatNames"},
                    "FlatTags": {"shape": "FlatTags"},
                    "Numbers": {"shape": "Numbers"},
                    "FlatNumbers": {"shape": "FlatNumbers"},
                    "Grantee": {"shape": "Grantee"},
                },
            },
        }
    }
)
ALL = MODEL.shape_for("All")
STYLE = XmlStyle()


def written(value, style=STYLE):
    out = []
    write_members(out, ALL, value, style)
    return "".join(out)


def read(xml):
    return read_structure(ALL, parse_xml(f"<All>{xml}</All>".encode()))


CASES = [
    ({"Name": "a<b"}, '<Name xmlns="http://n">a&lt;b</Name>'),
    ({"Number": 5}, "<number>5</number>"),
    ({"When": datetime(2024, 1, 1, tzinfo=UTC)}, "<When>2024-01-01T00:00:00Z</When>"),
    ({"Names": ["a", "b"]}, "<Names><member>a</member><member>b</member></Names>"),
    ({"Names": []}, "<Names></Names>"),
    ({"Tags": ["a"]}, "<Tags><Tag>a</Tag></Tags>"),
    ({"FlatNames": ["a", "b"]}, "<FlatNames>a</FlatNames><FlatNames>b</FlatNames>"),
    ({"FlatTags": ["a", "b"]}, "<Tag>a</Tag><Tag>b</Tag>"),
    ({"Numbers": {"a": 1}}, "<Numbers><entry><key>a</key><value>1</value></entry></Numbers>"),
    (
        {"FlatNumbers": {"a": 1, "b": 2}},
        "<FlatNumbers><K>a</K><V>1</V></FlatNumbers><FlatNumbers><K>b</K><V>2</V></FlatNumbers>",
    ),
    (
        {"Grantee": {"Id": "i", "Type": '"user"'}},
        '<Grantee xmlns:xsi="http://xsi" xsi:type="&quot;user&quot;"><ID>i</ID></Grantee>',
    ),
]


@pytest.mark.parametrize(("value", "xml"), CASES)
def test_values_are_written_and_read_back(value, xml):
    assert written(value) == xml
    assert read(xml) == value


def test_none_is_left_out():
    assert written({"Name": None, "Number": 1}) == "<number>1</number>"
    assert written({"Grantee": {"Id": "i", "Type": None}}) == '<Grantee xmlns:xsi="http://xsi"><ID>i</ID></Grantee>'


def test_styles_name_list_elements_and_always_write_milliseconds():
    style = XmlStyle(list_element="item", always_millis=True)
    value = {"Names": ["a"], "When": datetime(2024, 1, 1, tzinfo=UTC)}
    assert written(value, style) == "<Names><item>a</item></Names><When>2024-01-01T00:00:00.000Z</When>"


def test_one_element_is_written_by_name():
    out = []
    write_element(out, "Thing", MODEL.shape_for("Names"), ["a"], STYLE)
    assert "".join(out) == "<Thing><member>a</member></Thing>"


def test_skipped_members_are_neither_written_nor_read_nor_missed():
    out = []
    write_members(out, ALL, {"Name": "a", "Number": 1}, STYLE, frozenset({"Name"}))
    assert "".join(out) == "<number>1</number>"
    grantee = MODEL.shape_for("Grantee")
    assert read_structure(grantee, parse_xml(b"<G><ID>i</ID></G>"), frozenset({"Type"})) == {"Id": "i"}


@pytest.mark.parametrize(
    "value",
    [
        {"Nmae": "a"},
        {"Name": 5},
        {"Names": "abc"},
        {"Names": {"a": 1}},
        {"Names": 5},
        {"Numbers": ["a"]},
        {"Grantee": "x"},
    ],
)
def test_values_of_another_type_are_the_callers_mistake(value):
    with pytest.raises(TypeError):
        written(value)


@pytest.mark.parametrize(
    "xml",
    [
        "text",
        "<Unknown/>",
        "<Name>a</Name><Name>b</Name>",
        "<Name><b/></Name>",
        "<number>five</number>",
        "<Names>text</Names>",
        "<Names><other>a</other></Names>",
        "<Numbers><other/></Numbers>",
        "<Numbers><entry><key>a</key></entry></Numbers>",
        "<Numbers><entry><value>1</value><key>a</key></entry></Numbers>",
        "<Grantee><ID>i</ID></Grantee>",
        "<Grantee xmlns:xsi='http://xsi' xsi:type='x'>text</Grantee>",
    ],
)
def test_what_no_schema_would_allow_is_malformed(xml):
    with pytest.raises(Malformed):
        read(xml)


def test_space_around_elements_and_numbers_does_not_matter():
    assert read("\n <number> 5 </number>\n <Names>\n<member> a </member></Names>") == {"Number": 5, "Names": [" a "]}
