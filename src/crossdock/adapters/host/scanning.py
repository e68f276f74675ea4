"""The rules of a scan over keys in order of their UTF-8 bytes, as ListObjectsV2 rolls them up at a delimiter."""


def roll_up(key: str, *, prefix: str, delimiter: str) -> str | None:
    """What stands for this key in a listing: all up to the first delimiter behind the prefix, or None for itself."""
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 else key[: end + len(delimiter)]


def beyond(prefix: bytes) -> bytes:
    """The least bytes greater than every key that begins with the prefix.

    UTF-8 has no byte 0xFF, so the last byte can always be raised; the result need not be UTF-8 itself.
    """
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix else b"\xff"


def scan_start(*, prefix: str, delimiter: str, after: str) -> bytes:
    """The least bytes that a key of this scan may have."""
    start = prefix.encode()
    if not after:
        return start
    if after.startswith(prefix) and roll_up(after, prefix=prefix, delimiter=delimiter) == after:
        return beyond(after.encode())
    return max(start, after.encode() + b"\x00")
