"""Where each S3 is, and with which key: known to all servers of a run by files in the folder that they share."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.harness.accounting import TreeMeter
from bench.s3.ways import RGW, STUB, STUB_TLS

REGION = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Place:
    """`ca_file` is the certificate authority of an HTTPS endpoint, else empty. `processes` are its own, by id."""

    url: str
    access_key: str
    secret_key: str = field(repr=False)
    ca_file: str = ""
    processes: tuple[int, ...] = ()


def write_places(folder: Path, places: Mapping[str, S3Place]) -> None:
    """With a file of credentials for each, as the AWS tools write it, and one as s3fs wants it."""
    files = {"s3.json": json.dumps({name: asdict(place) for name, place in places.items()})}
    for name, place in places.items():
        key, secret = place.access_key, place.secret_key
        files[f"{name}.credentials"] = f"[default]\naws_access_key_id={key}\naws_secret_access_key={secret}\n"
        files[f"{name}.passwd-s3fs"] = f"{key}:{secret}\n"
    for file, content in files.items():
        (folder / file).touch(mode=0o600)
        (folder / file).write_text(content)


def places_in(folder: Path) -> Mapping[str, S3Place]:
    """Those that `write_places` wrote there."""
    found = json.loads((folder / "s3.json").read_text())
    return {name: S3Place(**{**told, "processes": tuple(told["processes"])}) for name, told in found.items()}


def credentials_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.credentials"


def s3fs_passwd_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.passwd-s3fs"


def meter_of_all(places: Mapping[str, S3Place]) -> TreeMeter:
    """What the S3s use, so that it is not taken for a stranger's work."""
    return TreeMeter(roots=sorted({pid for place in places.values() for pid in place.processes}))


def missing(places: Mapping[str, S3Place]) -> Mapping[str, str]:
    """In a sentence, for `Running.missing`."""
    lacking = "Ceph's S3 gateway is not here (run scripts/install-rgw) or has not started"
    return {name: lacking for name in (RGW, STUB, STUB_TLS) if name not in places}
