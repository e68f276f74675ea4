"""`explain` on what profiles may read, where two accounts of the embedded cloud play AWS over HTTP.

The profiles are roles that may do what `--print-policy` prints, and nothing else.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.aws_profiles import Profiles
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.host_keys import instant_vault
from tests.fakes.house import CountingEntropy, PlainSealer
from tests.fakes.http_cloud import HttpCloud, serve_cloud
from tests.fakes.provider_gateway import INVOCATION_ROLE, provider_gateway
from tests.fakes.s3 import document
from tests.fakes.transfer import ScriptedCertificates, ScriptedTrial

from crossdock.adapters.aws.documents.reads import READS, read_policy
from crossdock.adapters.aws.profiles import BadProfile
from crossdock.adapters.host.clock import SystemClock
from crossdock.api.server import ApiServer
from crossdock.app.explain_aws import Reading, explain_by_profiles
from crossdock.app.questions import BadQuestion
from crossdock.core.errors import Unavailable
from crossdock.core.object_writing import ObjectWriting
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.ports.state import State
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.server_records import SERVERS
from crossdock.transfer.table import transfer_operations

ROLE = f"arn:aws:iam::{HUB}:role/transfer-users"
FUNCTION = f"arn:aws:lambda:us-east-1:{HUB}:function:users"
TRANSFER = {
    "Effect": "Allow",
    "Principal": {"Service": "transfer.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": HUB}},
}
ALLOW = {"Sid": "Buckets", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def transfer() -> ServiceOperations:
    return transfer_operations(
        changes=ServerChanges(),
        trial=ScriptedTrial(),
        certificates=ScriptedCertificates(),
        host_keys=instant_vault(PlainSealer(), CountingEntropy()),
    )


@dataclass(slots=True)
class Provider:
    """A Lambda service with the function of the servers, which knows everybody."""

    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def table(self) -> ServiceOperations:
        async def invoke(call: Any) -> Mapping[str, Any]:
            self.asked.append(json.loads(call.params["Payload"]))
            answer = {"Role": ROLE, "HomeDirectory": "/inbox"}
            return {"StatusCode": 200, "Payload": json.dumps(answer).encode()}

        row = Operation(handler=invoke, permissions=needs_nothing)
        return ServiceOperations(service="lambda", operations={"Invoke": row})


@dataclass(slots=True)
class Dock:
    """The article's set-up: the hub has a server and a role, the partner a bucket that admits the role by its id."""

    cloud: HttpCloud
    profiles: Profiles
    provider: Provider
    server_id: str
    role_id: str
    reading: Reading

    async def explain(self, *, reading: Reading | None = None, **question: Any) -> Mapping[str, Any]:
        asked = {"serverId": self.server_id, "userName": "user1", "command": "put", "path": "in/a.csv", **question}
        return await explain_by_profiles(asked, reading or self.reading, clock=SystemClock(), entropy=CountingEntropy())

    async def iam(self, operation: str, as_: Caller | None = None, **params: Any) -> Mapping[str, Any]:
        return await self.cloud.s3.iam(operation, as_=as_, **params)

    async def secret_of(self, access_key_id: str, session_token: str) -> str | None:
        key = await self.cloud.s3.parts.access_keys.find(access_key_id, session_token)
        return None if key is None else key.secret

    async def bucket_policy(self, user_id: str = "", *further: str) -> None:
        statement = {
            "Sid": "TransferSessions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
            "Action": ["s3:PutObject", "s3:GetObject", "s3:ListBucket", *further],
            "Resource": ["arn:aws:s3:::inbox", "arn:aws:s3:::inbox/*"],
            "Condition": {"StringLike": {"aws:userId": f"{user_id or self.role_id}:*"}},
        }
        await self.cloud.s3.policy("inbox", statement, as_=self.cloud.s3.partner)

    async def trust(self, *statements: Mapping[str, Any]) -> None:
        await self.iam("UpdateAssumeRolePolicy", RoleName="transfer-users", PolicyDocument=document(*statements))

    async def allow(self, *statements: Mapping[str, Any]) -> None:
        await self.iam(
            "PutRolePolicy", RoleName="transfer-users", PolicyName="buckets", PolicyDocument=document(*statements)
        )

    async def reader(self, account: str, **without: str) -> str:
        """A profile of an account, that may read all but what is named."""
        caller = self.cloud.s3.hub if account == "hub" else self.cloud.s3.partner
        account_id = caller.principal.account_id
        name = "-".join(("reader", *without.values())).replace(":", "-")
        root = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
        await self.iam("CreateRole", as_=caller, RoleName=name, AssumeRolePolicyDocument=document(root))
        policy = json.loads(json.dumps(read_policy()))
        for statement in policy["Statement"]:
            statement["Action"] = [one for one in statement["Action"] if one not in without.values()] or ["s3:Nothing"]
        await self.iam(
            "PutRolePolicy", as_=caller, RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(policy)
        )
        return self.profiles.add(
            f"{account}-{name}",
            endpoint_url=self.cloud.url,
            role_arn=f"arn:aws:iam::{account_id}:role/{name}",
            source_profile=f"{account}-admin",
        )


@pytest.fixture
async def dock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dock]:
    provider = Provider()
    async with serve_cloud(transfer(), provider.table()) as cloud:
        profiles = Profiles(tmp_path, monkeypatch)
        for account in ("hub", "partner"):
            profiles.add(f"{account}-admin", await cloud.key_of(account), endpoint_url=cloud.url)
        await cloud.s3.bucket("inbox", as_=cloud.s3.partner)
        made = await cloud.s3.iam("CreateRole", RoleName="transfer-users", AssumeRolePolicyDocument=document(TRANSFER))
        server_id = await new_server(cloud)
        dock = Dock(cloud, profiles, provider, server_id, made["Role"]["RoleId"], Reading(profiles={}))
        await dock.allow(ALLOW)
        await dock.bucket_policy()
        dock.reading = Reading(
            profiles={"hub": await dock.reader("hub"), PARTNER: await dock.reader("partner")},
            account_ids={"hub": HUB},
        )
        yield dock


async def called(cloud: HttpCloud, operation: str, **params: Any) -> Mapping[str, Any]:
    return await cloud.s3.operations.call(
        "transfer",
        operation,
        params,
        caller=cloud.s3.hub,
        account_id=HUB,
        region="us-east-1",
        origin=cloud.s3.origin,
    )


async def new_server(cloud: HttpCloud, **settings: Any) -> str:
    """A server of the hub that knows user1 itself, unless it is told otherwise."""
    server_id = str((await called(cloud, "CreateServer", Protocols=["SFTP"], **settings))["ServerId"])
    if not settings:
        await called(cloud, "CreateUser", ServerId=server_id, UserName="user1", Role=ROLE, HomeDirectory="/inbox")
    await switch_on(cloud.s3.parts.state, server_id)
    return server_id


async def switch_on(state: State, server_id: str) -> None:
    """No gateway is here to say that it listens."""
    async with state.transaction() as tx:
        (record,) = [one for one in await SERVERS.everything(tx) if one.server_id == server_id]
        online = replace(record, state="ONLINE")  # type: ignore[arg-type]
        await SERVERS.put(tx, online, record.account_id, record.region, server_id)


def step(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(one for one in found["steps"] if one["step"] == name)


async def test_with_what_print_policy_prints_nothing_is_unknown_and_nothing_is_written(dock: Dock) -> None:
    # The owner of the bucket is asked first, for a denied call is noted in the audit.
    in_order = replace(dock.reading, profiles=dict(reversed(dock.reading.profiles.items())))
    before = dock.cloud.s3.parts.state.writes
    found = await dock.explain(reading=in_order)
    assert (found["outcome"], found["conclusion"]) == ("Allowed", f"user1 may put in/a.csv on {dock.server_id}.")
    assert [one["step"] for one in found["steps"]] == [
        "server",
        "identity provider",
        "role",
        "home directory",
        "s3:PutObject",
        "s3:AbortMultipartUpload",
    ]
    assert "whether the object or directory is there" in found["notSeen"]
    assert {layer["says"] for one in found["steps"] for layer in one["layers"]} == {"allows", "does not allow", "none"}
    assert dock.cloud.s3.parts.state.writes == before


async def test_a_bucket_policy_that_is_missing_is_found_with_the_statement_to_add(dock: Dock) -> None:
    await dock.cloud.s3("DeleteBucketPolicy", as_=dock.cloud.s3.partner, Bucket="inbox")
    found = await dock.explain()
    assert found["outcome"] == "Denied"
    assert "there is no bucket policy of inbox" in found["conclusion"]
    (fix,) = found["fixes"]
    assert (fix["account"], fix["attachedTo"], fix["change"]) == (PARTNER, "arn:aws:s3:::inbox", "add-statement")
    await dock.cloud.s3.policy("inbox", fix["statement"], as_=dock.cloud.s3.partner)
    assert (await dock.explain())["outcome"] == "Allowed"


async def test_a_wrong_user_id_is_found_with_the_value_to_replace(dock: Dock) -> None:
    await dock.bucket_policy("AROAANOTHERROLE00001")
    found = await dock.explain()
    assert found["outcome"] == "Denied"
    (fix,) = found["fixes"]
    assert (fix["change"], fix["old"], fix["new"]) == (
        "replace-condition-value",
        "AROAANOTHERROLE00001:*",
        f"{dock.role_id}:*",
    )


async def test_a_permission_that_the_role_lacks_is_found(dock: Dock) -> None:
    await dock.allow({**ALLOW, "Action": "s3:GetObject"})
    found = await dock.explain()
    assert found["outcome"] == "Denied"
    (fix,) = found["fixes"]
    assert (fix["account"], fix["attachedTo"], fix["policy"]) == (HUB, ROLE, "buckets")
    assert fix["statement"]["Action"] == "s3:PutObject"


async def test_the_acl_across_accounts_takes_a_permission_that_both_sides_give(dock: Dock) -> None:
    as_at_aws = replace(dock.reading, writing=ObjectWriting(acl="cross-account"))
    found = await dock.explain(reading=as_at_aws)
    assert found["outcome"] == "Denied"
    assert {(fix["account"], fix["statement"]["Action"]) for fix in found["fixes"]} == {(PARTNER, "s3:PutObjectAcl")}
    await dock.allow({**ALLOW, "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"]})
    # A condition on what is sent can be decided; but the parts of a large file do not send it.
    said = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Resource": "arn:aws:s3:::inbox/*"}
    await dock.cloud.s3.policy(
        "inbox",
        {**root, "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Condition": said},
        {**root, "Action": "s3:AbortMultipartUpload"},
        as_=dock.cloud.s3.partner,
    )
    found = await dock.explain(reading=as_at_aws)
    assert step(found, "s3:PutObject")["outcome"] == "Allowed"
    assert found["outcome"] == "Unknown"
    assert "that is asked for a file of more than one part (8 MiB)" in found["conclusion"]
    for acl in ("bucket-owner-read", "off"):
        said = replace(dock.reading, writing=ObjectWriting(acl=acl))
        assert (await dock.explain(reading=said))["outcome"] == "Denied"
    await dock.bucket_policy("*", "s3:PutObjectAcl")
    assert (await dock.explain(reading=as_at_aws))["outcome"] == "Allowed"
    refused = await dock.explain(reading=replace(dock.reading, writing=ObjectWriting(acl="private")))
    assert refused["outcome"] == "Denied"
    assert "which takes no ACL but bucket-owner-full-control, and private is sent" in refused["conclusion"]


async def test_a_bucket_that_denies_what_is_not_encrypted_is_met_by_what_aws_buckets_says(dock: Dock) -> None:
    everything = {"Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"}
    unencrypted = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}
    await dock.cloud.s3.policy(
        "inbox",
        {**everything, "Effect": "Allow"},
        {**everything, "Effect": "Deny", "Condition": unencrypted},
        as_=dock.cloud.s3.partner,
    )
    found = await dock.explain(reading=replace(dock.reading, writing=ObjectWriting(acl="off", sse="AES256")))
    assert found["outcome"] == "Denied"
    assert "StringNotEquals s3:x-amz-server-side-encryption aws:kms (the request has AES256)" in found["conclusion"]
    (fix,) = [one for one in found["fixes"] if one["layer"] == "resource-based policy"]
    assert fix["change"] == "in-words"
    assert 'set sse = "aws:kms" under [aws.buckets."inbox"] (where profiles explain, --sse aws:kms)' in fix["sentence"]
    met = await dock.explain(reading=replace(dock.reading, writing=ObjectWriting(acl="off", sse="aws:kms")))
    assert step(met, "s3:PutObject")["outcome"] == "Allowed"


KEY = f"arn:aws:kms:us-east-1:{PARTNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


async def test_a_key_that_aws_buckets_names_is_asked_for_and_unknown_where_there_is_no_kms(dock: Dock) -> None:
    """The cloud that plays AWS has none."""
    assert "kms:GenerateDataKey" not in {one["step"] for one in (await dock.explain())["steps"]}
    encrypted = replace(dock.reading, writing=ObjectWriting(acl="off", sse="aws:kms", kms_key_id=KEY))
    found = await dock.explain(reading=encrypted)
    for name in ("kms:GenerateDataKey", "kms:Decrypt"):
        asked = step(found, name)
        assert (asked["outcome"], asked["subject"]) == ("Unknown", KEY)
        whys = {layer["layer"]: layer["why"] for layer in asked["layers"] if layer["says"] == "unknown"}
        assert set(whys) == {"identity-based policy", "resource-based policy"}
        assert f"kms:GetKeyPolicy on {KEY}" in whys["resource-based policy"]
        assert "a grant of the key may allow it" in whys["identity-based policy"]
    await dock.allow(ALLOW, {**ALLOW, "Sid": "Keys", "Action": ["kms:GenerateDataKey", "kms:Decrypt"]})
    found = await dock.explain(reading=encrypted)
    assert found["outcome"] == "Unknown"
    (layer,) = [one for one in step(found, "kms:Decrypt")["layers"] if one["says"] == "unknown"]
    assert f"kms:GetKeyPolicy on {KEY}" in layer["why"]


async def test_a_trust_policy_without_the_service_or_for_another_account_is_found(dock: Dock) -> None:
    for wrong in (
        {**TRANSFER, "Principal": {"Service": "ec2.amazonaws.com"}},
        {**TRANSFER, "Condition": {"StringEquals": {"aws:SourceAccount": PARTNER}}},
    ):
        await dock.trust(wrong)
        found = await dock.explain()
        assert (found["outcome"], found["steps"][-1]["step"]) == ("Denied", "role")
        (fix,) = found["fixes"]
        assert (fix["account"], fix["attachedTo"], fix["policy"]) == (HUB, ROLE, "trust policy")


async def test_without_the_partners_profile_its_layers_are_unknown(dock: Dock) -> None:
    found = await dock.explain(reading=replace(dock.reading, profiles={HUB: dock.reading.profiles["hub"]}))
    assert found["outcome"] == "Unknown"
    layers = {layer["layer"]: layer for layer in step(found, "s3:PutObject")["layers"] if layer["says"] == "unknown"}
    assert set(layers) == {"resource-based policy", "resource control policy"}
    assert layers["resource-based policy"]["why"] == "no profile is given for the account whose bucket inbox is"
    assert "give --profile ACCOUNT=PROFILE for that of bucket inbox" in found["conclusion"]
    assert found["fixes"] == []


ALL_BUT = {read.action: row for row, read in READS.items()}


@pytest.mark.parametrize(
    ("action", "account", "name", "layer"),
    [
        ("iam:GetRole", "hub", "role", "resource-based policy"),
        ("iam:ListRolePolicies", "hub", "s3:PutObject", "identity-based policy"),
        ("iam:GetRolePolicy", "hub", "s3:PutObject", "identity-based policy"),
        ("iam:ListAttachedRolePolicies", "hub", "s3:PutObject", "identity-based policy"),
        ("s3:GetBucketPolicy", "partner", "s3:PutObject", "resource-based policy"),
        ("organizations:DescribeOrganization", "hub", "s3:PutObject", "service control policy"),
        ("organizations:DescribeOrganization", "partner", "s3:PutObject", "resource control policy"),
    ],
)
async def test_each_permission_that_a_profile_lacks_is_named_with_its_layer(
    dock: Dock, action: str, account: str, name: str, layer: str
) -> None:
    assert action in ALL_BUT
    key = "hub" if account == "hub" else PARTNER
    profiles = {**dock.reading.profiles, key: await dock.reader(account, action=action)}
    found = await dock.explain(reading=replace(dock.reading, profiles=profiles))
    assert found["outcome"] == "Unknown"
    (unknown,) = [one for one in step(found, name)["layers"] if one["layer"] == layer]
    assert unknown["says"] == "unknown"
    assert f"may not {action}" in unknown["why"]
    assert f"allow {action} to arn:aws:sts::" in step(found, name)["remedy"]


async def test_a_server_or_user_that_may_not_be_seen_is_told(dock: Dock) -> None:
    blind = replace(dock.reading, profiles={"hub": await dock.reader("hub", action="transfer:DescribeServer")})
    found = await dock.explain(reading=blind)
    assert [(one["step"], one["outcome"]) for one in found["steps"]] == [("server", "Unknown")]
    assert "allow transfer:DescribeServer to " in found["conclusion"]
    blind = replace(dock.reading, profiles={"hub": await dock.reader("hub", action="transfer:DescribeUser")})
    with pytest.raises(Unavailable, match="may not transfer:DescribeUser"):
        await dock.explain(reading=blind)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (
            {"serverId": "s-00000000000000000"},
            "none of the accounts has a server s-00000000000000000 in the region that was asked: see --region, and for "
            "a server of Crossdock's own --transfer-profile",
        ),
        ({"userName": "user2"}, "has no user user2"),
        ({"serverId": None}, "the question has no serverId"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(dock: Dock, question: dict[str, Any], words: str) -> None:
    with pytest.raises(BadQuestion) as refusal:
        await dock.explain(**question)
    assert words in str(refusal.value)


async def test_a_function_is_asked_only_with_a_password(dock: Dock) -> None:
    server_id = await new_server(
        dock.cloud, IdentityProviderType="AWS_LAMBDA", IdentityProviderDetails={"Function": FUNCTION}
    )
    found = await dock.explain(serverId=server_id)
    assert (found["outcome"], found["steps"][-1]["step"]) == ("Unknown", "identity provider")
    given = await dock.explain(serverId=server_id, identity={"Role": ROLE, "HomeDirectory": "/inbox"})
    assert given["outcome"] == "Allowed"
    assert dock.provider.asked == []
    asked = await dock.explain(serverId=server_id, password="open sesame")
    assert asked["outcome"] == "Allowed"
    assert [one["password"] for one in dock.provider.asked] == ["open sesame"]
    alone = replace(dock.reading, profiles={PARTNER: dock.reading.profiles[PARTNER]}, transfer_profile="hub-admin")
    refused = await dock.explain(serverId=server_id, password="open sesame", reading=alone)
    assert refused["steps"][-1]["step"] == "identity provider"
    assert f"no profile is given for account {HUB}" in refused["steps"][-1]["reason"]
    assert refused["outcome"] == "Unknown"


async def test_a_provider_behind_a_url_is_asked_by_who_may_assume_its_role(dock: Dock) -> None:
    async with provider_gateway(secrets=dock.secret_of) as gateway:
        gateway.say(200, {"Role": ROLE, "HomeDirectory": "/inbox"})
        server_id = await new_server(
            dock.cloud,
            IdentityProviderType="API_GATEWAY",
            IdentityProviderDetails={"Url": gateway.url, "InvocationRole": INVOCATION_ROLE},
        )
        await dock.iam("CreateRole", RoleName="invocation", AssumeRolePolicyDocument=document(TRANSFER))
        unknown = await dock.explain(serverId=server_id, password="open sesame")
        found = step(unknown, "identity provider")
        assert found["outcome"] == "Unknown"
        assert f"cannot assume the invocation role {INVOCATION_ROLE}" in found["reason"]
        assert gateway.heard == []
        root = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}
        await dock.iam("UpdateAssumeRolePolicy", RoleName="invocation", PolicyDocument=document(root))
        reading = replace(dock.reading, profiles={**dock.reading.profiles, "hub": "hub-admin"})
        allowed = await dock.explain(serverId=server_id, password="open sesame", reading=reading)
        assert step(allowed, "identity provider")["outcome"] == "Allowed"
        assert gateway.refused == []
        assert gateway.heard[0].headers["Password"] == "open sesame"


async def test_crossdock_in_front_of_aws_assumes_with_its_own_role(dock: Dock) -> None:
    gateway = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}
    await dock.iam("CreateRole", RoleName="gateway", AssumeRolePolicyDocument=document(gateway))
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    await dock.iam("PutRolePolicy", RoleName="gateway", PolicyName="users", PolicyDocument=document(may))
    arn = f"arn:aws:iam::{HUB}:role/gateway"
    as_crossdock = replace(dock.reading, gateway_role=arn, external_id="dock-7f3a")
    found = await dock.explain(reading=as_crossdock)
    assert (found["outcome"], found["steps"][-1]["step"]) == ("Denied", "role")
    (fix,) = found["fixes"]
    assert fix["statement"]["Principal"] == {"AWS": arn}
    assert fix["statement"]["Condition"] == {"StringEquals": {"sts:ExternalId": "dock-7f3a"}}
    await dock.trust(TRANSFER, fix["statement"])
    assert (await dock.explain(reading=as_crossdock))["outcome"] == "Allowed"
    for external_id, told in (("other", "another was sent"), ("", "none was sent")):
        refused = await dock.explain(reading=replace(as_crossdock, external_id=external_id))
        assert refused["outcome"] == "Denied"
        (fix,) = refused["fixes"]
        assert "statement" not in fix
        assert "--external-id" in fix["sentence"]
        assert told in fix["sentence"]


async def test_one_statement_lets_a_gateway_in_that_tags_its_sessions(dock: Dock) -> None:
    gateway = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}
    await dock.iam("CreateRole", RoleName="gateway", AssumeRolePolicyDocument=document(gateway))
    may = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": ROLE}
    await dock.iam("PutRolePolicy", RoleName="gateway", PolicyName="users", PolicyDocument=document(may))
    arn = f"arn:aws:iam::{HUB}:role/gateway"
    tagging = replace(dock.reading, gateway_role=arn, external_id="dock-7f3a", tag_sessions=True)
    (fix,) = (await dock.explain(reading=tagging))["fixes"]
    assert fix["statement"]["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    await dock.trust(TRANSFER, fix["statement"])
    assert (await dock.explain(reading=tagging))["outcome"] == "Allowed"


async def test_where_the_transfer_api_is_crossdocks_the_hubs_profile_is_the_gateway(dock: Dock) -> None:
    async with serve_cloud(transfer()) as crossdock:
        server_id = await new_server(crossdock)
        dock.profiles.add("crossdock", await crossdock.key_of("hub"), endpoint_url=crossdock.url)
        hub = f"arn:aws:iam::{HUB}:role/reader"
        admits = {"Effect": "Allow", "Principal": {"AWS": hub}, "Action": "sts:AssumeRole"}
        by_profile = replace(dock.reading, transfer_profile="crossdock")
        refused = await dock.explain(serverId=server_id, reading=by_profile)
        assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "role")
        await dock.trust(admits)
        assert (await dock.explain(serverId=server_id, reading=by_profile))["outcome"] == "Allowed"
        foreign = replace(dock.reading, transfer_endpoint_url=crossdock.url)
        stranger = await dock.explain(serverId=server_id, reading=foreign)
        assert (stranger["outcome"], stranger["steps"][-1]["step"]) == ("Unknown", "server")
        assert "--transfer-profile" in stranger["conclusion"]
        alone = replace(by_profile, profiles={PARTNER: dock.reading.profiles[PARTNER]})
        unknown = await dock.explain(serverId=server_id, reading=alone)
        assert "give --gateway-role ARN" in unknown["conclusion"]


async def test_a_transfer_api_at_an_address_of_its_own_is_crossdocks(
    dock: Dock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same API at another port, so that the same keys are good there."""
    apart = ApiServer(dock.cloud.endpoint, is_ready=lambda: True)
    await apart.start("127.0.0.1", 0)
    url = f"http://127.0.0.1:{apart.port}"
    try:
        by_option = replace(dock.reading, transfer_endpoint_url=url)
        assert (await dock.explain(reading=by_option))["outcome"] == "Denied"
        monkeypatch.setenv("AWS_ENDPOINT_URL_TRANSFER", url)
        assert (await dock.explain())["outcome"] == "Denied"
        reader = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HUB}:role/reader"},
            "Action": "sts:AssumeRole",
        }
        await dock.trust(reader)
        for reading in (by_option, dock.reading):
            assert (await dock.explain(reading=reading))["outcome"] == "Allowed"
    finally:
        await apart.close()


async def test_a_profile_that_cannot_be_used_is_told(dock: Dock) -> None:
    with pytest.raises(BadProfile, match="there is no profile absent"):
        await dock.explain(reading=replace(dock.reading, profiles={"hub": "absent"}))
