"""What the null S3 says: it knows sizes, and the content of small objects only. Pure but for what it remembers.

Enough of S3 for a gateway and for `aws s3`: objects, ranges, uploads in parts, listings. Nobody is refused.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

KEPT_BYTES = 64 << 10
"""An object up to this size is kept; of larger ones every byte is zero."""
SIZE_HEADER = "x-amz-meta-null-size"
"""With it a put makes an object of that size, of which not a byte comes."""
WHEN_HEADER, WHEN_XML = "Sun, 15 Mar 2026 00:47:00 GMT", "2026-03-15T00:47:00.000Z"
ETAG = '"0123456789abcdef0123456789abcdef"'
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request without its body. Names of headers are in small letters."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        return unquote(self.target.partition("?")[0].split("/")[1])

    @property
    def key(self) -> str:
        return unquote("/".join(self.target.partition("?")[0].split("/")[2:]))

    @property
    def query(self) -> Mapping[str, str]:
        found = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {name: values[0] for name, values in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer: `body`, or so many zeros after it. `size` is what the head tells where nothing follows, as of HEAD."""

    status: str = "200 OK"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    zeros: int = 0
    size: int | None = None

    def head(self) -> bytes:
        length = len(self.body) + self.zeros if self.size is None else self.size
        lines = [f"HTTP/1.1 {self.status}", f"Content-Length: {length}", "x-amz-request-id: NULL"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An object; `content` is None where only the size is known."""

    size: int
    content: bytes | None = None


NOT_FOUND = Said(status="404 Not Found", body=b"<Error><Code>NoSuchKey</Code><Message>It is not here</Message></Error>")


class Shelf:
    """All buckets there are: every name is one. Safe to use from several threads."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Kept] = {}
        self._uploads: dict[str, dict[int, int]] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def answer(self, asked: Asked, size: int, content: bytes | None) -> Said:
        """`size` is that of the body that came; its content where it was small."""
        with self._lock:
            if not asked.key:
                return self._of_bucket(asked)
            match asked.method:
                case "PUT":
                    wanted = asked.headers.get(SIZE_HEADER)
                    kept = Kept(size=size, content=content) if wanted is None else Kept(size=int(wanted))
                    return self._put(asked, kept)
                case "POST":
                    return self._post(asked)
                case "DELETE":
                    return self._delete(asked)
                case _:
                    return self._get(asked)

    def _put(self, asked: Asked, kept: Kept) -> Said:
        query = asked.query
        if "uploadId" in query:
            self._uploads[query["uploadId"]][int(query["partNumber"])] = kept.size
        else:
            self._objects[asked.bucket, asked.key] = kept
        return Said(headers={"ETag": ETAG, "Date": WHEN_HEADER})

    def _post(self, asked: Asked) -> Said:
        where = f"<Bucket>{escape(asked.bucket)}</Bucket><Key>{escape(asked.key)}</Key>"
        if "uploads" in asked.query:
            upload_id = f"upload-{next(self._numbers)}"
            self._uploads[upload_id] = {}
            return _xml("InitiateMultipartUploadResult", f"{where}<UploadId>{upload_id}</UploadId>")
        parts = self._uploads.pop(asked.query["uploadId"])
        self._objects[asked.bucket, asked.key] = Kept(size=sum(parts.values()))
        return _xml("CompleteMultipartUploadResult", f"{where}<ETag>{escape(ETAG)}</ETag>")

    def _delete(self, asked: Asked) -> Said:
        if "uploadId" in asked.query:
            self._uploads.pop(asked.query["uploadId"], None)
        else:
            self._objects.pop((asked.bucket, asked.key), None)
        return Said(status="204 No Content")

    def _get(self, asked: Asked) -> Said:
        kept = self._objects.get((asked.bucket, asked.key))
        if kept is None:
            return NOT_FOUND if asked.method == "GET" else Said(status="404 Not Found")
        headers = {"ETag": ETAG, "Last-Modified": WHEN_HEADER, "Accept-Ranges": "bytes"}
        if asked.method == "HEAD":
            return Said(headers=headers, size=kept.size)
        first, end, status = 0, kept.size, "200 OK"
        if wanted := asked.headers.get("range"):
            begin, _, last = wanted.removeprefix("bytes=").partition("-")
            first, end = int(begin), min(kept.size, int(last or kept.size) + 1)
            status = "206 Partial Content"
            if first >= kept.size:
                return Said(status="416 Range Not Satisfiable", body=b"<Error><Code>InvalidRange</Code></Error>")
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{kept.size}"
        if kept.content is not None:
            return Said(status=status, headers=headers, body=kept.content[first:end])
        return Said(status=status, headers=headers, zeros=end - first)

    def _of_bucket(self, asked: Asked) -> Said:
        query = asked.query
        if asked.method != "GET":
            return Said()
        if "location" in query:
            return _xml("LocationConstraint", "")
        if "uploads" in query:
            return _xml("ListMultipartUploadsResult", f"<Bucket>{escape(asked.bucket)}</Bucket>")
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        found, folders = [], set()
        for (bucket, key), kept in sorted(self._objects.items()):
            if bucket != asked.bucket or not key.startswith(prefix):
                continue
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            if at >= 0:
                folders.add(key[: at + len(delimiter)])
            else:
                found.append(
                    f"<Contents><Key>{escape(key)}</Key><LastModified>{WHEN_XML}</LastModified>"
                    f"<ETag>{escape(ETAG)}</ETag><Size>{kept.size}</Size></Contents>"
                )
        listed = "".join(found[: int(query.get("max-keys", 1000))])
        below = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders))
        head = f"<Name>{escape(asked.bucket)}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>"
        return _xml("ListBucketResult", f"{head}{listed}{below}")


def _xml(name: str, content: str) -> Said:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} {NAMESPACE}>{content}</{name}>'
    return Said(headers={"Content-Type": "application/xml", "Date": WHEN_HEADER}, body=body.encode())
