"""XML as a small tree: parsed by expat with everything refused that a body of AWS never has, and text escaped."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from crossdock.wire.malformed import Malformed

MAX_DEPTH = 64
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(slots=True, kw_only=True)
class Element:
    """An element by its local name; namespaces are dropped, since clients disagree about them and AWS does not care."""

    tag: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    text: str = ""


class _Builder:
    def __init__(self) -> None:
        self.root = Element(tag="", attributes={})
        self._open: list[Element] = []
        self._text: list[list[str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise Malformed(f"the body is nested deeper than {MAX_DEPTH} levels")
        element = Element(
            tag=_local_name(name), attributes={_local_name(key): value for key, value in attributes.items()}
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._text.append([])

    def end(self, name: str) -> None:
        self._open.pop().text = "".join(self._text.pop())

    def characters(self, text: str) -> None:
        self._text[-1].append(text)


def _local_name(name: str) -> str:
    return name.rpartition(" ")[2]


def _refuse_doctype(name: str, system_id: str | None, public_id: str | None, has_internal_subset: int) -> None:
    # Entities are declared in a DOCTYPE only: without one there is no expansion and no external reference.
    raise Malformed("a document type declaration is not allowed")


def parse_xml(body: bytes) -> Element:
    """Parse a document.

    Raises:
        Malformed: not well-formed, not UTF-8, with a DOCTYPE, or deeper than MAX_DEPTH.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    if b"\0" in body:
        # expat would take UTF-16 for what it is, whatever encoding it is told.
        raise Malformed("the body is not UTF-8")
    builder = _Builder()
    # The encoding given here wins over the one that the document declares. The separator makes names "URI local".
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        raise Malformed("the body is not well-formed XML") from None
    return builder.root


# What XML 1.0 §2.2 does not allow, and the carriage return, which a parser would turn into a line feed (§2.11).
_TO_REFERENCE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def escape_text(text: str) -> str:
    """Text for the inside of an element. Characters that XML 1.0 cannot hold are replaced, so that any parser reads it.

    They come from what a request said, in an error's sentence say, which is for people.
    """
    return _escape(text, lambda found: "&#xD;" if found[0] == "\r" else "\ufffd")


def escape_name(text: str) -> str:
    """Text that names something, such as an object's key.

    Characters that XML 1.0 cannot hold become references, as S3 writes them: a parser then fails loudly instead of
    reading another key. Clients that list such keys ask for `encoding-type=url`.
    """
    return _escape(text, lambda found: f"&#x{ord(found[0]):X};")


def _escape(text: str, stand_in: Callable[[re.Match[str]], str]) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if text.isprintable():
        return text
    return _LONE_SURROGATES.sub("\ufffd", _TO_REFERENCE.sub(stand_in, text))


def escape_attribute(text: str) -> str:
    """Text for the inside of a double-quoted attribute."""
    return escape_text(text).replace('"', "&quot;").replace("\t", "&#x9;").replace("\n", "&#xA;")
