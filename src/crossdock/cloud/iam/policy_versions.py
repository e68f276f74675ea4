"""Versions of managed policies: how a managed policy is changed without a new ARN.

Source: IAM User Guide, "Versioning IAM policies".
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.documents import check_document, url_encoded
from crossdock.cloud.iam.errors import delete_conflict, limit_exceeded, no_such_entity
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.managed_policies import ManagedPolicy
from crossdock.cloud.iam.pages import listed_page
from crossdock.cloud.iam.policies import require_own_policy
from crossdock.cloud.iam.records import POLICIES, PolicyRecord, PolicyVersionRecord, fold
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.policy.document import PolicyKind
from crossdock.ports.host import Epoch
from crossdock.ports.state import Transaction

MAX_VERSIONS = 5


class PolicyVersions:
    """Get, list, create, delete versions, and choose the one that counts."""

    def __init__(self, *, epoch: Epoch, library: PolicyLibrary) -> None:
        self._epoch = epoch
        self._library = library

    async def get(self, call: Call) -> Result:
        version_id: str = call.params["VersionId"]
        if (shipped := self._library.shipped.get(call.params["PolicyArn"])) is not None:
            if version_id != shipped.version_id:
                raise _no_such_version(shipped.arn, version_id)
            return {"PolicyVersion": _shipped_version(shipped) | {"Document": url_encoded(shipped.document)}}
        async with call.reading() as tx:
            policy = await require_own_policy(tx, call, is_write=False)
        version = _require_version(policy, version_id)
        return {"PolicyVersion": _own_version(policy, version) | {"Document": url_encoded(version.document)}}

    async def list(self, call: Call) -> Result:
        if (shipped := self._library.shipped.get(call.params["PolicyArn"])) is not None:
            return {"Versions": [_shipped_version(shipped)], "IsTruncated": False}
        async with call.reading() as tx:
            policy = await require_own_policy(tx, call, is_write=False)
        # The newest first, as AWS lists them: names that fall while numbers rise.
        names = [(f"{10**9 - version.number:010}", _own_version(policy, version)) for version in policy.versions]
        versions, page = listed_page(names, call.params)
        return {"Versions": versions, **page}

    async def create(self, call: Call) -> Result:
        document: str = call.params["PolicyDocument"]
        check_document(document, PolicyKind.MANAGED)
        now = call.now.replace(microsecond=0)
        async with policy_transaction(call, self._epoch) as tx:
            policy = await require_own_policy(tx, call, is_write=True)
            if len(policy.versions) >= MAX_VERSIONS:
                raise limit_exceeded(
                    f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new version, you "
                    "must delete an existing version."
                )
            version = PolicyVersionRecord(number=policy.next_number, document=document, created_at=now)
            changed = replace(
                policy,
                versions=(*policy.versions, version),
                next_number=policy.next_number + 1,
                default_number=version.number if call.params.get("SetAsDefault") else policy.default_number,
                updated_at=now,
            )
            await _put(tx, changed)
        return {"PolicyVersion": _own_version(changed, version)}

    async def delete(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            policy = await require_own_policy(tx, call, is_write=True)
            version = _require_version(policy, call.params["VersionId"])
            if version.number == policy.default_number:
                raise delete_conflict("Cannot delete the default version of a policy.")
            kept = tuple(other for other in policy.versions if other.number != version.number)
            await _put(tx, replace(policy, versions=kept))
        return {}

    async def set_default(self, call: Call) -> Result:
        async with policy_transaction(call, self._epoch) as tx:
            policy = await require_own_policy(tx, call, is_write=True)
            version = _require_version(policy, call.params["VersionId"])
            await _put(tx, replace(policy, default_number=version.number))
        return {}


async def _put(tx: Transaction, policy: PolicyRecord) -> None:
    await POLICIES.put(tx, policy, policy.account_id, fold(policy.name))


def _require_version(policy: PolicyRecord, version_id: str) -> PolicyVersionRecord:
    for version in policy.versions:
        if version.version_id == version_id:
            return version
    raise _no_such_version(policy.arn, version_id)


def _own_version(policy: PolicyRecord, version: PolicyVersionRecord) -> dict[str, Any]:
    return {
        "VersionId": version.version_id,
        "IsDefaultVersion": version.number == policy.default_number,
        "CreateDate": version.created_at,
    }


def _shipped_version(policy: ManagedPolicy) -> dict[str, Any]:
    return {
        "VersionId": policy.version_id,
        "IsDefaultVersion": True,
        "CreateDate": datetime.fromisoformat(policy.updated_at),
    }


def _no_such_version(policy_arn: str, version_id: str) -> Exception:
    return no_such_entity(f"Policy {policy_arn} version {version_id} does not exist or is not attachable.")
