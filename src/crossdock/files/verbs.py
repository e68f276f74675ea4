"""Which S3 calls each file verb makes: the one table that the edges, `explain` and the documentation read.

The implementation is `object_filesystem.py`; its test records the calls that the store really sees and compares.

The actions are those that S3 asks for, so that whoever writes a policy can read off what a user needs: STOR is
PutObject alone, so that a drop box works; CWD and LIST are ListBucket alone.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3"; Amazon S3 API
Reference, permissions of HeadObject, CopyObject and the multipart operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FileVerb(StrEnum):
    """What a client can ask of a session's files, whatever the protocol calls it."""

    INSPECT = "INSPECT"
    ENTER = "ENTER"
    LIST = "LIST"
    READ = "READ"
    WRITE = "WRITE"
    APPEND = "APPEND"
    REMOVE = "REMOVE"
    MAKE_DIRECTORY = "MAKE_DIRECTORY"
    REMOVE_DIRECTORY = "REMOVE_DIRECTORY"
    RENAME = "RENAME"
    RENAME_OVER = "RENAME_OVER"
    RENAME_DIRECTORY = "RENAME_DIRECTORY"


class On(StrEnum):
    """What a call is about."""

    BUCKET = "bucket"
    OBJECT = "object"
    MARKER = "directory marker"
    TARGET = "target of the rename"
    BELOW = "every object below the directory"
    TARGET_BELOW = "every object below the target"


class Need(StrEnum):
    """Whether the verb can succeed without the call."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    """Made only in the case that `note` names, which fails without it."""
    IF_ALLOWED = "if allowed"
    """Made for a better answer; the verb goes on without it when it is denied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Call:
    """One call: S3's operation, and the action that a policy must allow on what it is about."""

    operation: str
    action: str
    on: On
    need: Need = Need.ALWAYS
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbCalls:
    """A row: the FTP commands and SFTP requests that come to this verb, and its calls in order."""

    ftp: tuple[str, ...]
    sftp: tuple[str, ...]
    calls: tuple[S3Call, ...]


def _head(on: On = On.OBJECT, need: Need = Need.ALWAYS, note: str = "") -> S3Call:
    return S3Call(operation="HeadObject", action="s3:GetObject", on=on, need=need, note=note)


def _list(need: Need = Need.ALWAYS, note: str = "") -> S3Call:
    return S3Call(operation="ListObjectsV2", action="s3:ListBucket", on=On.BUCKET, need=need, note=note)


PUT_ACL = "s3:PutObjectAcl"
WRITES = frozenset({"PutObject", "CreateMultipartUpload", "CopyObject"})
"""The operations that may say whose their object is to be."""

_ANOTHERS = "the bucket is another account's, whose owner is given full control (docs/aws.md)"


def _acl(operation: str, on: On) -> S3Call:
    return S3Call(operation=operation, action=PUT_ACL, on=on, need=Need.SOMETIMES, note=_ANOTHERS)


def _put(on: On) -> tuple[S3Call, ...]:
    return S3Call(operation="PutObject", action="s3:PutObject", on=on), _acl("PutObject", on)


def _delete(on: On, need: Need = Need.ALWAYS, note: str = "") -> S3Call:
    return S3Call(operation="DeleteObject", action="s3:DeleteObject", on=on, need=need, note=note)


def _copy(source: On, target: On) -> tuple[S3Call, ...]:
    return (
        S3Call(operation="CopyObject", action="s3:GetObject", on=source),
        S3Call(operation="CopyObject", action="s3:PutObject", on=target),
        _acl("CopyObject", target),
    )


def _uploads(note: str) -> tuple[S3Call, ...]:
    return tuple(
        S3Call(operation=operation, action="s3:PutObject", on=On.OBJECT, need=Need.SOMETIMES, note=note)
        for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
    )


APART = 'the two lie in different S3s (docs/operations.md, "Buckets in another S3"), in place of CopyObject'
"""The note of what takes the place of CopyObject where no S3 can copy: reading here and writing there."""


def _read_apart(on: On) -> S3Call:
    return S3Call(operation="GetObject", action="s3:GetObject", on=on, need=Need.SOMETIMES, note=APART)


def _copy_apart(source: On, target: On) -> tuple[S3Call, ...]:
    def write(operation: str) -> S3Call:
        return S3Call(operation=operation, action="s3:PutObject", on=target, need=Need.SOMETIMES, note=APART)

    return (
        _read_apart(source),
        *map(write, ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")),
        S3Call(
            operation="AbortMultipartUpload",
            action="s3:AbortMultipartUpload",
            on=target,
            need=Need.IF_ALLOWED,
            note=APART,
        ),
    )


_ONE = "the two lie in different S3s: are they one file, by two names?"
_LARGE = "a file of more than one part (8 MiB), where the store does not stage on this disk"
_REMOTE = "the store does not stage on this disk"
_KEPT = f"5 MiB or more stay of the file, and {_REMOTE}"
_FREE = (
    _head(On.TARGET),
    S3Call(
        operation="HeadObject",
        action="s3:ListBucket",
        on=On.BUCKET,
        note="S3 tells only those who may list that the target is free",
    ),
)
_ABORT = S3Call(
    operation="AbortMultipartUpload",
    action="s3:AbortMultipartUpload",
    on=On.OBJECT,
    need=Need.IF_ALLOWED,
    note="an interrupted upload of more than one part; where it is denied, the parts stay until a lifecycle rule",
)

_PARTS = S3Call(
    operation="ListParts",
    action="s3:ListMultipartUploadParts",
    on=On.OBJECT,
    need=Need.IF_ALLOWED,
    note="where interrupted uploads are resumed: how far did it come?",
)

VERBS: Mapping[FileVerb, VerbCalls] = {
    FileVerb.INSPECT: VerbCalls(
        ftp=("SIZE", "MDTM", "MLST", "MFMT", "RNFR"),
        sftp=("STAT", "LSTAT", "OPEN for writing without CREAT or TRUNC, or with EXCL"),
        calls=(
            _head(need=Need.SOMETIMES, note="a file; a directory is found without it"),
            _list(Need.SOMETIMES, "there is no such file, or it may not be read: is it a directory?"),
            _PARTS,
        ),
    ),
    FileVerb.ENTER: VerbCalls(ftp=("CWD", "CDUP"), sftp=(), calls=(_list(),)),
    FileVerb.LIST: VerbCalls(ftp=("LIST", "NLST", "MLSD", "STAT"), sftp=("OPENDIR", "READDIR"), calls=(_list(),)),
    FileVerb.READ: VerbCalls(
        ftp=("RETR",),
        sftp=("OPEN for reading", "READ"),
        calls=(S3Call(operation="GetObject", action="s3:GetObject", on=On.OBJECT),),
    ),
    FileVerb.WRITE: VerbCalls(
        ftp=("STOR", "STOU"),
        sftp=("OPEN for writing", "WRITE", "CLOSE"),
        calls=(*_put(On.OBJECT), *_uploads(_LARGE), _ABORT),
    ),
    FileVerb.APPEND: VerbCalls(
        ftp=("APPE", "STOR after REST"),
        sftp=("OPEN for appending",),
        calls=(
            _head(),
            S3Call(
                operation="HeadObject",
                action="s3:ListBucket",
                on=On.BUCKET,
                need=Need.IF_ALLOWED,
                note="is there no file yet? S3 tells only those who may list, and APPE makes one only for them",
            ),
            S3Call(
                operation="GetObject",
                action="s3:GetObject",
                on=On.OBJECT,
                need=Need.SOMETIMES,
                note="less than 5 MiB stay of the file, or the store stages on this disk",
            ),
            S3Call(operation="UploadPartCopy", action="s3:GetObject", on=On.OBJECT, need=Need.SOMETIMES, note=_KEPT),
            S3Call(operation="UploadPartCopy", action="s3:PutObject", on=On.OBJECT, need=Need.SOMETIMES, note=_KEPT),
            *_put(On.OBJECT),
            *_uploads(_REMOTE),
            _ABORT,
            _PARTS,
        ),
    ),
    FileVerb.REMOVE: VerbCalls(
        ftp=("DELE",),
        sftp=("REMOVE",),
        calls=(_head(), _delete(On.OBJECT)),
    ),
    FileVerb.MAKE_DIRECTORY: VerbCalls(
        ftp=("MKD",),
        sftp=("MKDIR",),
        calls=(
            _head(need=Need.IF_ALLOWED, note="is the name taken by a file?"),
            _list(Need.IF_ALLOWED, "is it taken by a directory?"),
            *_put(On.MARKER),
        ),
    ),
    FileVerb.REMOVE_DIRECTORY: VerbCalls(
        ftp=("RMD",),
        sftp=("RMDIR",),
        calls=(_list(), _delete(On.MARKER)),
    ),
    FileVerb.RENAME: VerbCalls(
        ftp=("RNTO",),
        sftp=("RENAME",),
        calls=(
            *_FREE,
            _list(Need.IF_ALLOWED, "is the target a directory? And if the source is missing, is that one?"),
            *_copy(On.OBJECT, On.TARGET),
            *_copy_apart(On.OBJECT, On.TARGET),
            _delete(On.OBJECT),
        ),
    ),
    FileVerb.RENAME_OVER: VerbCalls(
        ftp=(),
        sftp=("posix-rename@openssh.com",),
        calls=(
            _list(Need.IF_ALLOWED, "is the target a directory? And if the source is missing, is that one?"),
            *_copy(On.OBJECT, On.TARGET),
            *_copy_apart(On.OBJECT, On.TARGET),
            *(_head(on, Need.SOMETIMES, _ONE) for on in (On.TARGET, On.OBJECT)),
            S3Call(operation="HeadObject", action="s3:ListBucket", on=On.BUCKET, need=Need.SOMETIMES, note=_ONE),
            _delete(On.OBJECT),
        ),
    ),
    FileVerb.RENAME_DIRECTORY: VerbCalls(
        ftp=("RNTO of a directory",),
        sftp=("RENAME and posix-rename@openssh.com of a directory",),
        calls=(
            *_FREE,
            *_copy(On.OBJECT, On.TARGET),
            _read_apart(On.OBJECT),
            _list(),
            *_copy(On.BELOW, On.TARGET_BELOW),
            *_copy_apart(On.BELOW, On.TARGET_BELOW),
            _delete(On.BELOW),
            _delete(On.TARGET_BELOW, Need.IF_ALLOWED, "what was copied goes again when not all can be"),
        ),
    ),
}
