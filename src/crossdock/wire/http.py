"""What an HTTP message is to the wire layer: the parts that signatures and protocols look at, as they came."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import overload
from urllib.parse import unquote

from crossdock.core.errors import ServiceError


class Headers:
    """Header fields in the order they came; names compare without case, and a name may come more than once."""

    __slots__ = ("_pairs", "_repeated", "_values")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = [(name.lower(), value) for name, value in pairs]
        # The joined values; those that came more than once are kept apart as well.
        self._values = dict(self._pairs)
        self._repeated: dict[str, tuple[str, ...]] = {}
        if len(self._values) < len(self._pairs):
            self._find_repeated()

    def _find_repeated(self) -> None:
        for name in self._values:
            values = tuple(value for other, value in self._pairs if other == name)
            if len(values) > 1:
                self._repeated[name] = values
                self._values[name] = ",".join(values)

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: str) -> str: ...

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of a field; of a repeated one, all values joined by commas (RFC 9110 §5.3).

        Joined, not the first: a signature covers the joined form, so nobody reads less than was signed.
        """
        return self._values.get(name.lower(), default)

    def all(self, name: str) -> tuple[str, ...]:
        name = name.lower()
        if name in self._repeated:
            return self._repeated[name]
        return (self._values[name],) if name in self._values else ()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(tuple(self._pairs))

    def __repr__(self) -> str:
        # Names only: values are tokens and signatures.
        return f"Headers({', '.join(self._values)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request before anything was decoded.

    `path` and `query` are raw, still percent-encoded, as the request line had them: the signature covers those bytes.
    Header values are text decoded as UTF-8 with `surrogateescape`. `body` is empty when the edge streams it.
    """

    method: str
    path: str
    query: str = field(default="", repr=False)
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An answer; the edge adds Content-Length, Date and Server, and leaves the body out for HEAD."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


def percent_decode(text: str) -> str:
    """Undo percent-encoding (RFC 3986 §2.1); `+` stays `+`.

    Raises:
        UnicodeError: the bytes are not UTF-8.
    """
    if "%" in text:
        text = unquote(text, errors="strict")
    if not text.isascii():
        # Finds lone surrogates, which stand for bytes that were no UTF-8 on the request line.
        text.encode()
    return text


def split_query(raw: str) -> list[tuple[str, str]]:
    """The fields of a query string or form body in order; `+` is a space, a field without `=` has an empty value.

    Raises:
        UnicodeError: the bytes are not UTF-8.
    """
    fields: list[tuple[str, str]] = []
    for part in raw.split("&"):
        if part:
            name, _, value = part.replace("+", " ").partition("=")
            fields.append((percent_decode(name), percent_decode(value)))
    return fields


def parse_query(raw: str) -> list[tuple[str, str]]:
    """As `split_query`, for callers that answer in AWS's words.

    Raises:
        ServiceError: `MalformedQueryString`, the bytes are not UTF-8.
    """
    try:
        return split_query(raw)
    except UnicodeError:
        raise ServiceError("MalformedQueryString", "The query string contains a syntax error.") from None
