"""The two accounts, by a person's profiles, and the names and tags of what is made in them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

PREFIX = "crossdock-test-"
"""How the name of everything begins; with the tag it is what `--clean` looks for."""
TAG = "crossdock-test"
PATH = "/crossdock-test/"
"""Of roles."""
CONSISTENT_S = 90.0
"""IAM and S3 take seconds until a new role or policy counts everywhere."""
POLL_S = 1.0

T = TypeVar("T")


class Wrong(Exception):
    """What was found is not what should be; the message is for the report."""


class Unseen(Exception):
    """What was looked for can be neither confirmed nor ruled out; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`endpoint_url` is the profile's, where it has one."""

    profile: str
    account_id: str
    region: str
    endpoint_url: str
    session: boto3.Session = field(repr=False)

    def client(self, service: str) -> Any:
        return self.session.client(
            service, region_name=self.region, config=Config(retries={"mode": "standard", "total_max_attempts": 5})
        )


def open_account(profile: str, region: str) -> Account:
    """Asks STS who the profile is. Raises botocore's errors for a profile that is none or is not let in."""
    session = boto3.Session(profile_name=profile)
    region = region or session.region_name or "us-east-1"
    configured = session._session.get_scoped_config()
    account_id: str = session.client("sts", region_name=region).get_caller_identity()["Account"]
    return Account(
        profile=profile,
        account_id=account_id,
        region=region,
        endpoint_url=str(configured.get("endpoint_url", "")),
        session=session,
    )


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def tags(run: str) -> list[dict[str, str]]:
    return [{"Key": TAG, "Value": run}]


def persist(attempt: Callable[[], T], *codes: str, within_s: float = CONSISTENT_S) -> T:
    """Try again while AWS answers one of these codes, or what was found is `Wrong`."""
    ends_at = time.monotonic() + within_s
    while True:
        try:
            return attempt()
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes or time.monotonic() > ends_at:
                raise
        except Wrong:
            if time.monotonic() > ends_at:
                raise
        time.sleep(POLL_S)
