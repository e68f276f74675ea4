"""What a KMS key has to allow besides, where S3 encrypts the objects of a bucket with one.

S3 asks the key in the name of whoever asks S3: for a data key at each PutObject, CreateMultipartUpload and CopyObject,
to decrypt at GetObject, at the original of a copy, and at the parts of an upload. HeadObject reads no content, and
asks for none.

Sources: S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)", Permissions, and "Multipart upload
API and permissions"; S3 API Reference, HeadObject.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.files.verbs import FileVerb, On

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCall:
    """`case` says what alone takes it; empty where every file does."""

    action: str
    on: On
    case: str = ""


def _generate(on: On) -> KeyCall:
    return KeyCall(action=GENERATE, on=on)


LARGE = "a file of more than one part (8 MiB)"

KEY_CALLS: Mapping[FileVerb, tuple[KeyCall, ...]] = {
    FileVerb.READ: (KeyCall(action=DECRYPT, on=On.OBJECT),),
    FileVerb.WRITE: (_generate(On.OBJECT), KeyCall(action=DECRYPT, on=On.OBJECT, case=LARGE)),
    FileVerb.APPEND: (
        _generate(On.OBJECT),
        KeyCall(action=DECRYPT, on=On.OBJECT, case=f"a file that is there already, or {LARGE}"),
    ),
    FileVerb.MAKE_DIRECTORY: (_generate(On.MARKER),),
    FileVerb.RENAME: (KeyCall(action=DECRYPT, on=On.OBJECT), _generate(On.TARGET)),
}
"""By verb; those that are not here ask no key."""
