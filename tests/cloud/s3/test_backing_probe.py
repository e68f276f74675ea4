"""The probe of a backing says which step fails, and leaves nothing."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.fakes.backed_cloud import BEHIND, BackedCloud, backed_cloud

from crossdock.cloud.s3.backing_probe import ProbeFailed, probe


@pytest.fixture
async def backed(tmp_path) -> AsyncIterator[BackedCloud]:
    async with backed_cloud(tmp_path) as backed:
        yield backed


async def test_what_works_passes_and_nothing_stays(backed: BackedCloud):
    await backed.behind.s3.put(BEHIND, "below/k", b"x")
    for prefix in ("", "below/"):
        await probe(backed.connections, backed.backing(prefix=prefix), entropy=os.urandom)
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]


@pytest.mark.parametrize(
    ("missing", "step"),
    [("s3:ListBucket", "list"), ("s3:PutObject", "put"), ("s3:GetObject", "get"), ("s3:DeleteObject", "delete")],
)
async def test_the_step_that_fails_is_named_with_the_reason(backed: BackedCloud, missing: str, step: str):
    allowed = {"s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"} - {missing}
    await backed.behind.limit_role("gateway-0", sorted(allowed), ["*"])
    with pytest.raises(ProbeFailed, match=f"failed the step {step}: {missing}.*AccessDenied"):
        await probe(backed.connections, backed.backing(), entropy=os.urandom)
    assert bool(await backed.behind.s3.keys(BEHIND)) == (step == "delete")


async def test_credentials_that_are_not_there_are_a_step_too(backed: BackedCloud):
    with pytest.raises(ProbeFailed, match=r"failed the step credentials: .*/none"):
        await probe(backed.connections, replace(backed.backing(), credentials_file="/none"), entropy=os.urandom)


async def test_a_bucket_that_is_not_there_is_told(backed: BackedCloud):
    with pytest.raises(ProbeFailed, match=r"failed the step list: .*NoSuchBucket"):
        await probe(backed.connections, backed.backing(bucket="nobodys"), entropy=os.urandom)
