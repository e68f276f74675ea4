from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.aws_models import outcome

from crossdock.wire.malformed import Malformed
from crossdock.wire.xml_tree import MAX_DEPTH, Element, escape_attribute, escape_name, escape_text, parse_xml

BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;">]>
<lolz>&lol2;</lolz>"""
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def nested(depth):
    return b"<a>" * depth + b"</a>" * depth


def test_elements_lose_their_namespaces():
    root = parse_xml(
        b'<s:Delete xmlns:s="http://s3/"><s:Key a="1" s:b="2">k &amp; <![CDATA[<raw>]]></s:Key></s:Delete>'
    )
    assert root.tag == "Delete"
    assert root.children[0].tag == "Key"
    assert root.children[0].text == "k & <raw>"
    assert root.children[0].attributes == {"a": "1", "b": "2"}


def test_comments_and_instructions_are_nothing():
    root = parse_xml(b'<?xml version="1.0" encoding="UTF-8"?><!-- c --><?p i?><a>1<!-- c -->2</a>')
    assert root.text == "12"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"no xml",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&unknown;</a>",
        b"<a>\xff</a>",
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        b"<a>\x00</a>",
        "<a/>".encode("utf-16-le"),
        b"<!DOCTYPE a><a/>",
        BILLION_LAUGHS,
        EXTERNAL,
        nested(MAX_DEPTH + 1),
        nested(100_000),
    ],
)
def test_what_is_not_plain_xml_is_malformed(body):
    with pytest.raises(Malformed):
        parse_xml(body)


def test_another_declared_encoding_does_not_change_how_bytes_are_read():
    with pytest.raises(Malformed):
        parse_xml(b'<?xml version="1.0" encoding="latin-1"?><a>\xe9</a>')


def test_depth_up_to_the_limit_is_read():
    assert parse_xml(nested(MAX_DEPTH)).tag == "a"


@given(st.binary(max_size=60))
def test_any_bytes_are_parsed_or_malformed(body):
    assert isinstance(outcome(lambda: parse_xml(body)), Malformed | Element)


XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"])
)


@given(XML_TEXT | st.sampled_from(["\r\n", "\t", "a\rb", "<&>\"'", "]]>"]))
def test_escaped_text_is_read_back_by_any_parser(text):
    document = f'<a b="{escape_attribute(text)}">{escape_text(text)}</a>'.encode()
    assert parse_xml(document).text == text
    assert parse_xml(document).attributes == {"b": text}
    assert ElementTree.fromstring(document).text == (text or None)


@given(st.text())
def test_any_text_can_be_written_and_what_xml_cannot_hold_is_replaced(text):
    document = f'<a b="{escape_attribute(text)}">{escape_text(text)}</a>'.encode()
    assert len(parse_xml(document).text) == len(text)
    assert ElementTree.fromstring(document).text == (parse_xml(document).text or None)


def test_a_name_that_xml_cannot_hold_fails_loudly_and_everything_else_is_replaced():
    assert escape_text("a\x01b\uffff\r\ud800") == "a\ufffdb\ufffd&#xD;\ufffd"
    assert escape_name("a\x01b\uffff\r\ud800") == "a&#x1;b&#xFFFF;&#xD;\ufffd"
    with pytest.raises(Malformed):
        parse_xml(f"<a>{escape_name(chr(1))}</a>".encode())
