"""What a decision costs: by the engine alone, by the embedded authority, and as a part of one GetObject.

    python bench/decisions.py [--count 20000]

Prints a table for docs/benchmarks.md. The policies are the article's: a role whose policy allows the bucket of another
account, whose bucket policy admits the role by `aws:userId`. The authority's figures are warm ones, as a session's
are: what it knows of role and bucket stands until a policy changes, and it asks no database.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.s3 import REGION, EmbeddedS3, make_s3

from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission
from crossdock.policy.cases import parse_cases

PROMISED_US = 30.0
"""A decision of the article's policies, by the engine."""
BATCH = 200
ROLE_ID = "AROAEXAMPLEROLEID0001"
OBJECT = "arn:aws:s3:::partner-inbox/in/a.csv"


def allow(action: str, *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def bucket_policy(role_id: str) -> dict[str, Any]:
    statement = allow("s3:PutObject", "arn:aws:s3:::partner-inbox", "arn:aws:s3:::partner-inbox/*")
    statement["Action"] = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]
    principal = {"AWS": f"arn:aws:iam::{HUB}:root"}
    return document({**statement, "Principal": principal, "Condition": {"StringLike": {"aws:userId": f"{role_id}:*"}}})


ROLE_POLICY = document(
    allow("s3:*", "arn:aws:s3:::partner-inbox", "arn:aws:s3:::partner-inbox/*"),
    {"Effect": "Deny", "Action": ["s3:DeleteBucket", "s3:CreateBucket"], "Resource": "*"},
)
HUNDRED = document(
    *(allow("s3:Get*", f"arn:aws:s3:::other-{number}/*") for number in range(99)),
    allow("s3:PutObject", "arn:aws:s3:::partner-inbox/*"),
)


def engine(identity: dict[str, Any]) -> Callable[[], object]:
    case = {
        "name": "article",
        "request": {
            "principal": f"arn:aws:sts::{HUB}:assumed-role/transfer/user2@s-01234567890abcdef",
            "action": "s3:PutObject",
            "resource": OBJECT,
            "resourceAccount": PARTNER,
            "context": {"aws:userid": f"{ROLE_ID}:user2@s-01234567890abcdef", "aws:SecureTransport": "true"},
        },
        "identityPolicies": [identity],
        "resourcePolicy": bucket_policy(ROLE_ID),
        "expected": "Allowed",
    }
    (read,) = parse_cases(json.dumps(case))
    assert read.decide().is_allowed
    return read.decide


def each_us(work: Callable[[], object], count: int) -> list[float]:
    """Microseconds of one, batch by batch."""
    found = []
    for _ in range(count // BATCH):
        began = time.perf_counter_ns()
        for _ in range(BATCH):
            work()
        found.append((time.perf_counter_ns() - began) / BATCH / 1000)
    return found


async def each_awaited_us(work: Callable[[], Awaitable[object]], count: int) -> list[float]:
    found = []
    for _ in range(count // BATCH):
        began = time.perf_counter_ns()
        for _ in range(BATCH):
            await work()
        found.append((time.perf_counter_ns() - began) / BATCH / 1000)
    return found


def row(what: str, figures: Sequence[float]) -> str:
    median = statistics.median(figures)
    p95 = sorted(figures)[len(figures) * 95 // 100]
    return f"| {what} | {median:.1f} | {p95:.1f} | {1e6 / median:,.0f} |"


async def article(s3: EmbeddedS3) -> Caller:
    """The session of a role of the hub that may use the partner's bucket, and an object in it."""
    user2 = await s3.role("transfer", "s3:*", ["arn:aws:s3:::partner-inbox", "arn:aws:s3:::partner-inbox/*"])
    await s3.bucket("partner-inbox", as_=s3.partner)
    role_id = (await s3.iam("GetRole", RoleName="transfer"))["Role"]["RoleId"]
    await s3("PutBucketPolicy", as_=s3.partner, Bucket="partner-inbox", Policy=json.dumps(bucket_policy(role_id)))
    await s3("PutObject", as_=user2, Bucket="partner-inbox", Key="in/a.csv", Body=b"1,2\n")
    return user2


async def embedded(count: int) -> list[str]:
    s3 = await make_s3()
    user2 = await article(s3)
    params = {"Bucket": "partner-inbox", "Key": "in/a.csv"}
    begin = {"caller": user2, "account_id": HUB, "region": REGION, "origin": s3.origin}
    call = s3.operations.begin("s3", "GetObject", params, **begin)
    permission = Permission(action="s3:PutObject", resource=OBJECT)

    async def get() -> None:
        answer = await s3.operations.call("s3", "GetObject", params, **begin)
        await answer["Body"].reader.close()

    reads = s3.parts.state.reads
    decided = await each_awaited_us(lambda: s3.operations.decide(call, permission), count)
    authorised = await each_awaited_us(lambda: s3.operations.authorise(call), count)
    got = await each_awaited_us(get, count // 4)
    assert s3.parts.state.reads == reads, "a warm decision asked the database"
    s3.close()
    share = statistics.median(authorised) / statistics.median(got)
    return [
        row("the authority: one decision, keys of the request included", decided),
        row("the authority: all that GetObject needs", authorised),
        row("one GetObject of 4 bytes, index and blobs in memory", got),
        f"\nAuthorisation is {share:.0%} of that GetObject.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a decision costs.")
    parser.add_argument("--count", type=int, default=20_000)
    count = parser.parse_args().count
    print("| what | median µs | p95 µs | a second |")
    print("| --- | --- | --- | --- |")
    by_engine = each_us(engine(ROLE_POLICY), count)
    print(row("the engine: the article's policies", by_engine))
    print(row("the engine: an identity policy of 100 statements, the last allows", each_us(engine(HUNDRED), count)))
    print("\n".join(asyncio.run(embedded(count))))
    if (median := statistics.median(by_engine)) > PROMISED_US:
        sys.exit(f"a decision took {median:.1f} µs, more than {PROMISED_US:g}")


if __name__ == "__main__":
    main()
