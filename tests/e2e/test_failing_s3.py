"""An S3 that fails, at every call of an upload and of a download, as users see it.

A real gateway process with authority `aws`, and curl and OpenSSH's sftp before it; and one that is its own authority,
whose user's home is a bucket that is attached to one of the S3's, with the S3 API as a third way in. The program says
that it worked only when the file is whole, and no parts of a file that is not there stay behind. `make test` tries some
of it where the embedded cloud is the S3, `make test-s3` the rest on Ceph's.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from tests.e2e.aws_cloud import open_cloud
from tests.e2e.harness import start_service
from tests.e2e.s3_fronts import Behind, attached_front, ceph_front, ceph_key, embedded_front
from tests.fakes.ceph_rgw import CephRgw
from tests.fakes.s3_fault_proxy import Deed, Fault

MIB = 1 << 20
LARGE = os.urandom(17 * MIB + 12_345)
"""Three parts up, five ranges down."""
SMALL = LARGE[: MIB // 2]
PATIENCE = {"s3_attempts": 3, "s3_timeout_s": 2.0}
ATTACHED = {"CROSSDOCK_AWS_S3_ATTEMPTS": "3", "CROSSDOCK_AWS_S3_TIMEOUT_S": "2.0"}
"""The same for a gateway that is its own authority."""
OWN_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
MOST_CALLS = 30
"""Of one transfer: how many there are depends on how a client asks."""
ONCE = tuple(deed for deed in Deed if deed is not Deed.ANSWER)
LASTING = (Deed.ERROR, Deed.SLOW_DOWN, Deed.RESET, Deed.STALL, Deed.CUT_BODY, Deed.CUT_ANSWER, Deed.RESET_AFTER)
UNHEARD = (Deed.CUT_BODY, Deed.CUT_ANSWER, Deed.RESET_AFTER)
"""S3 may have done what it was asked without being heard; of a request without a body nothing can be cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """`calls` are those without which it cannot be."""

    content: bytes
    is_upload: bool
    calls: frozenset[str]


TRANSFERS = {
    "a small upload": Transfer(content=SMALL, is_upload=True, calls=frozenset({"PutObject"})),
    "an upload": Transfer(
        content=LARGE,
        is_upload=True,
        calls=frozenset({"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}),
    ),
    "a download": Transfer(content=LARGE, is_upload=False, calls=frozenset({"GetObject"})),
}
LONG = (pytest.mark.s3, pytest.mark.soak)
"""Ceph keeps its objects in memory, and what both counts leave there until it is cleared away is more than it bears."""
Case = tuple[str, str, Deed]
COMMON: list[Case] = [("ftp", "an upload", Deed.RESET_AFTER)]
"""What `make test` does, on the embedded cloud."""
ALL = [(protocol, transfer, deed) for protocol in ("ftp", "sftp") for transfer in TRANSFERS for deed in ONCE]
LASTING_COMMON: list[Case] = [("sftp", "a download", Deed.RESET)]
LASTING_ALL = [(protocol, transfer, deed) for protocol in ("ftp", "sftp") for transfer in TRANSFERS for deed in LASTING]
ATTACHED_COMMON: list[Case] = [("sftp", "an upload", Deed.CUT_BODY), ("s3", "an upload", Deed.RESET_AFTER)]
ATTACHED_SOME: list[Case] = [
    ("ftp", "an upload", Deed.CUT_ANSWER),
    ("sftp", "a download", Deed.RESET),
    ("s3", "a small upload", Deed.RESET_AFTER),
    ("s3", "a download", Deed.CUT_ANSWER),
]
"""What `make test-s3` does: between it and Ceph there is what the gateway in front of AWS has, too."""
ATTACHED_ALL = [
    (protocol, transfer, deed) for protocol in ("ftp", "sftp", "s3") for transfer in TRANSFERS for deed in ONCE
]
ATTACHED_LASTING_COMMON: list[Case] = [("ftp", "an upload", Deed.RESET_AFTER)]
ATTACHED_LASTING_ALL = [
    (protocol, transfer, deed) for protocol in ("ftp", "sftp", "s3") for transfer in TRANSFERS for deed in LASTING
]


def on(target: str, cases: Sequence[Case], *marks: pytest.MarkDecorator) -> list[ParameterSet]:
    return [
        pytest.param((target, *one), one[-1], id=f"{target}-{one[0]}-{one[1]}-{one[2].name}", marks=marks)
        for one in cases
    ]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("embedded")
    with open_cloud(folder) as cloud, embedded_front(cloud, folder, aws=PATIENCE) as front:
        yield front


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("attached")
    with (
        start_service(folder / "data", variables={"CROSSDOCK_KEYS": f"hub={':'.join(OWN_KEY)}"}) as other,
        attached_front(other.api_url, OWN_KEY, folder, variables=ATTACHED) as front,
    ):
        yield front


@pytest.fixture(scope="module")
def attached_ceph(ceph_gateway: CephRgw, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    key = ceph_gateway.access_key, ceph_gateway.secret_key
    with attached_front(ceph_gateway.url, key, tmp_path_factory.mktemp("attached-ceph"), variables=ATTACHED) as front:
        yield front


@pytest.fixture(scope="module")
def ceph(ceph_gateway: CephRgw, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("ceph-front")
    variables = {"CROSSDOCK_KEYS": ceph_key(ceph_gateway)}
    with (
        open_cloud(folder, variables=variables) as cloud,
        ceph_front(cloud, ceph_gateway, folder, aws=PATIENCE) as front,
    ):
        yield front


@dataclass(frozen=True, slots=True)
class Stage:
    """One user's transfer, again and again."""

    front: Behind
    protocol: str
    transfer: Transfer
    folder: Path

    def calls(self) -> list[str]:
        """What S3 is asked when nothing befalls it."""
        self.front.proxy.begin(None)
        assert self.play()
        assert self.is_whole()
        return list(self.front.proxy.calls)

    def play(self) -> bool:
        """Whether the program says that it worked."""
        client, content = self.front.clients[self.protocol], self.transfer.content
        if self.transfer.is_upload:
            self.front.delete("file")
            (self.folder / "up").write_bytes(content)
            return client.put(self.folder / "up", "file")
        (self.folder / "down").unlink(missing_ok=True)
        return client.get("file", self.folder / "down")

    def is_whole(self) -> bool:
        """Whether what came to the other side is; nothing else than the whole may be in the bucket."""
        if self.transfer.is_upload:
            found = self.front.content("file")
            assert found is None or digest(found) == digest(self.transfer.content), "other bytes are there"
            return found is not None
        return digest((self.folder / "down").read_bytes()) == digest(self.transfer.content)

    def require_nothing_left(self, kind: str, deed: Deed) -> None:
        if not self.front.tells_sessions and kind == "CreateMultipartUpload" and deed in UNHEARD:
            # Ceph does not tell who began an upload, nor does any S3 of the many who use an attached bucket: those that
            # were begun unheard cannot be found.
            self.front.abort_uploads()
        assert self.front.open_uploads() == [], f"{deed.name} of {kind} left parts"


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    target, protocol, transfer, *_ = request.param
    front: Behind = request.getfixturevalue(target)
    front.put("file", LARGE)
    return Stage(front, protocol, TRANSFERS[transfer], tmp_path)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("stage", "deed"),
    [
        *on("embedded", COMMON),
        *on("attached", ATTACHED_COMMON),
        *on("ceph", ALL, pytest.mark.s3),
        *on("attached_ceph", ATTACHED_SOME, pytest.mark.s3),
        *on("attached_ceph", [case for case in ATTACHED_ALL if case not in ATTACHED_SOME], *LONG),
    ],
    indirect=["stage"],
)
def test_what_befalls_one_call_is_mended_and_seen_by_nobody(stage: Stage, deed: Deed):
    struck = set()
    for number in range(1, MOST_CALLS):
        stage.front.proxy.begin(Fault(deed, call=number))
        worked, calls = stage.play(), stage.front.proxy.calls
        kind = calls[number - 1] if number <= len(calls) else ""
        assert worked, f"{deed.name} of call {number}: {calls}"
        assert stage.is_whole(), f"{deed.name} of call {number}: {calls}"
        stage.require_nothing_left(kind, deed)
        if not kind:
            break
        assert stage.front.proxy.has_struck
        struck.add(kind)
    assert struck >= stage.transfer.calls


@pytest.mark.parametrize(
    ("stage", "deed"),
    [
        *on("embedded", LASTING_COMMON),
        *on("attached", ATTACHED_LASTING_COMMON),
        *on("ceph", LASTING_ALL, *LONG),
        *on("attached_ceph", ATTACHED_LASTING_ALL, *LONG),
    ],
    indirect=["stage"],
)
def test_what_befalls_all_calls_of_a_kind_is_told_and_leaves_nothing(stage: Stage, deed: Deed):
    for kind in sorted(set(stage.calls())):
        stage.front.proxy.begin(Fault(deed, kind=kind))
        worked = stage.play()
        assert stage.front.proxy.has_struck
        stage.front.proxy.begin(None)
        if worked:
            assert stage.is_whole(), f"{deed.name} of each {kind} was not told"
            assert kind not in stage.transfer.calls or deed in UNHEARD, f"{deed.name} of each {kind}: how can that be?"
        elif stage.transfer.is_upload:
            stage.is_whole()  # or not there: S3 may have done it without being heard
        stage.require_nothing_left(kind, deed)
