"""Tags of servers, users and host keys, by ARN."""

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.host_keys import openssh_pem
from tests.fakes.transfer import HUB, REGION, SERVICE_MANAGED, TransferApi, make_transfer_api

from crossdock.core.errors import ServiceError
from crossdock.core.servers import INTERRUPTED_TAG, InterruptedUploads
from crossdock.wire.validation import validate_params

ROLE = f"arn:aws:iam::{HUB}:role/users"


@pytest.fixture
def api() -> TransferApi:
    return make_transfer_api()


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


async def make_server(api: TransferApi, **settings: object) -> tuple[str, str]:
    """Id and ARN of a server for users."""
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED, **settings))["ServerId"]
    return server_id, f"arn:aws:transfer:{REGION}:{HUB}:server/{server_id}"


async def make_user(api: TransferApi, **settings: object) -> tuple[str, str]:
    """The server's id and the user's ARN."""
    server_id, _ = await make_server(api)
    await api.call("CreateUser", ServerId=server_id, UserName="anna", Role=ROLE, **settings)
    return server_id, f"arn:aws:transfer:{REGION}:{HUB}:user/{server_id}/anna"


async def listed(api: TransferApi, arn: str) -> dict[str, str]:
    found = await api.call("ListTagsForResource", Arn=arn)
    assert found["Arn"] == arn
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


async def test_tags_of_a_server_are_given_changed_and_taken(api: TransferApi):
    server_id, arn = await make_server(api, Tags=tags(team="red"))
    assert await listed(api, arn) == {"team": "red"}
    assert await api.call("TagResource", Arn=arn, Tags=tags(stage="test", team="blue")) == {}
    assert await listed(api, arn) == {"stage": "test", "team": "blue"}
    assert (await api.described(server_id))["Tags"] == tags(team="blue", stage="test")
    assert await api.call("UntagResource", Arn=arn, TagKeys=["stage", "never"]) == {}
    assert await listed(api, arn) == {"team": "blue"}
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    assert "Tags" not in await api.described(server_id)


async def test_tags_of_a_host_key_are_given_changed_and_taken(api: TransferApi):
    server_id, _ = await make_server(api)
    key = {"ServerId": server_id, "HostKeyBody": openssh_pem("ssh-ed25519", "tagged").decode(), "Description": "new"}
    key_id = (await api.call("ImportHostKey", **key, Tags=tags(team="red")))["HostKeyId"]
    arn = f"arn:aws:transfer:{REGION}:{HUB}:host-key/{server_id}/{key_id}"
    await api.call("TagResource", Arn=arn, Tags=tags(stage="test", team="blue"))
    assert await listed(api, arn) == {"stage": "test", "team": "blue"}
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    found = (await api.call("DescribeHostKey", ServerId=server_id, HostKeyId=key_id))["HostKey"]
    assert (found["Tags"], found["Description"]) == (tags(stage="test"), "new")
    assert "Tags" not in await api.described(server_id)
    await api.call("DeleteHostKey", ServerId=server_id, HostKeyId=key_id)
    with pytest.raises(ServiceError, match="Unknown host key"):
        await api.call("ListTagsForResource", Arn=arn)


async def test_tags_of_a_user_are_given_changed_and_taken(api: TransferApi):
    server_id, arn = await make_user(api, Tags=tags(team="red"), HomeDirectory="/box")
    await api.call("TagResource", Arn=arn, Tags=tags(stage="test", team="blue"))
    assert await listed(api, arn) == {"stage": "test", "team": "blue"}
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    user = (await api.call("DescribeUser", ServerId=server_id, UserName="anna"))["User"]
    assert (user["Tags"], user["HomeDirectory"]) == (tags(stage="test"), "/box")
    assert "Tags" not in await api.described(server_id)


async def test_what_has_no_tags_is_listed_with_an_empty_list(api: TransferApi):
    _, arn = await make_server(api)
    answer = await api.ask("ListTagsForResource", Arn=arn)
    assert answer == {"Arn": arn, "Tags": []}


async def test_tags_are_listed_page_by_page_in_the_order_of_their_keys(api: TransferApi):
    _, arn = await make_server(api, Tags=tags(c="3", a="1", b="2"))
    first = await api.call("ListTagsForResource", Arn=arn, MaxResults=2)
    assert first["Tags"] == tags(a="1", b="2")
    # A page is not lost when what ended the one before it goes.
    await api.call("UntagResource", Arn=arn, TagKeys=["b"])
    rest = await api.call("ListTagsForResource", Arn=arn, MaxResults=2, NextToken=first["NextToken"])
    assert rest == {"Arn": arn, "Tags": tags(c="3")}
    error = await api.refused("ListTagsForResource", Arn=arn, NextToken="nonsense")
    assert error.code == "InvalidNextTokenException"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([*tags(team="red"), *tags(team="blue")], "The tag key team is given twice"),
        ([{"Key": "aws:team", "Value": "red"}], "The tag key aws:team begins with aws:, which is reserved for AWS"),
        ([{"Key": "AWS:team", "Value": "red"}], "The tag key AWS:team begins with aws:, which is reserved for AWS"),
        ([{"Key": "", "Value": "red"}], "A tag key must not be empty"),
    ],
)
async def test_tags_that_aws_refuses_are_refused_wherever_they_are_given(
    api: TransferApi, given: list[dict[str, str]], sentence: str
):
    server_id, arn = await make_user(api, Tags=tags(kept="yes"))
    server = f"arn:aws:transfer:{REGION}:{HUB}:server/{server_id}"
    for operation, params in (
        ("TagResource", {"Arn": arn}),
        ("TagResource", {"Arn": server}),
        ("CreateServer", SERVICE_MANAGED),
        ("CreateUser", {"ServerId": server_id, "UserName": "bert", "Role": ROLE}),
    ):
        error = await api.refused(operation, **params, Tags=given)
        assert (error.code, error.message) == ("InvalidRequestException", sentence)
    assert await listed(api, arn) == {"kept": "yes"}
    assert len((await api.call("ListServers"))["Servers"]) == 1


SYSTEM_TAGS = [
    {"Key": "aws:transfer:customHostname", "Value": "ftp.example.com"},
    {"Key": "aws:transfer:route53HostedZoneId", "Value": "/hostedzone/Z0"},
]


async def test_the_tags_of_awss_own_that_a_server_may_have_are_taken_and_one_is_its_host_name(api: TransferApi):
    server_id, arn = await make_server(api, Tags=SYSTEM_TAGS)
    assert (await api.described(server_id))["Tags"] == SYSTEM_TAGS
    assert [one.hostname for one in await api.directory.servers()] == ["ftp.example.com"]
    await api.call("TagResource", Arn=arn, Tags=[{**SYSTEM_TAGS[0], "Value": "SFTP.Example.com."}])
    assert [one.hostname for one in await api.directory.servers()] == ["sftp.example.com"]
    await api.call("UntagResource", Arn=arn, TagKeys=["aws:transfer:customHostname"])
    assert [one.hostname for one in await api.directory.servers()] == [""]


@pytest.mark.parametrize("key", ["aws:transfer:customhostname", "AWS:transfer:customHostname", "aws:transfer:other"])
async def test_others_of_awss_own_are_refused_for_a_server(api: TransferApi, key: str):
    error = await api.refused("CreateServer", **SERVICE_MANAGED, Tags=[{"Key": key, "Value": "x"}])
    assert error.message == f"The tag key {key} begins with aws:, which is reserved for AWS"


async def test_a_users_tags_are_none_of_awss_own(api: TransferApi):
    _, arn = await make_user(api)
    error = await api.refused("TagResource", Arn=arn, Tags=SYSTEM_TAGS)
    assert error.code == "InvalidRequestException"


@pytest.mark.parametrize(("value", "is_implicit"), [("implicit", True), ("Implicit", True), ("explicit", False)])
async def test_a_tag_makes_tls_implicit(api: TransferApi, value: str, is_implicit: bool):
    await make_server(api, Tags=[{"Key": "crossdock:ftps", "Value": value}])
    assert [one.is_tls_implicit for one in await api.directory.servers()] == [is_implicit]


async def test_fifty_tags_are_enough_for_one_resource(api: TransferApi):
    _, arn = await make_server(api, Tags=tags(**{f"k{number}": "v" for number in range(49)}))
    await api.call("TagResource", Arn=arn, Tags=tags(k0="changed", k49="v"))
    error = await api.refused("TagResource", Arn=arn, Tags=tags(k50="v"))
    assert (error.code, error.message) == ("InvalidRequestException", "A resource can have at most 50 tags")


@pytest.mark.parametrize(
    "params",
    [
        {"Tags": []},
        {"Tags": tags(**{f"k{number}": "v" for number in range(51)})},
        {"Tags": [{"Key": "k" * 129, "Value": "v"}]},
        {"Tags": [{"Key": "k", "Value": "v" * 257}]},
    ],
)
def test_the_model_bounds_how_many_tags_one_call_has_and_how_long_they_are(params: dict[str, object]):
    arn = f"arn:aws:transfer:{REGION}:{HUB}:server/s-01234567890abcdef"
    validate_params(model_of("transfer"), "TagResource", {"Arn": arn, "Tags": tags(**{"k" * 128: "v" * 256})})
    with pytest.raises(ServiceError, match="InvalidRequestException"):
        validate_params(model_of("transfer"), "TagResource", {"Arn": arn, **params})


@pytest.mark.parametrize(
    ("resource", "kind", "name"),
    [
        ("server/s-00000000000000000", "Server", "s-00000000000000000"),
        ("user/s-00000000000000000/anna", "Server", "s-00000000000000000"),
        ("host-key/s-00000000000000000/hostkey-1", "Server", "s-00000000000000000"),
        ("user/{server}/bert", "User", "bert"),
    ],
)
async def test_what_is_not_there_has_no_tags(api: TransferApi, resource: str, kind: str, name: str):
    server_id, _ = await make_user(api)
    arn = f"arn:aws:transfer:{REGION}:{HUB}:{resource.format(server=server_id)}"
    for operation, params in {
        "TagResource": {"Tags": tags(a="b")},
        "UntagResource": {"TagKeys": ["a"]},
        "ListTagsForResource": {},
    }.items():
        error = await api.refused(operation, Arn=arn, **params)
        assert error.code == "ResourceNotFoundException"
        assert (error.members["ResourceType"], error.members["Resource"]) == (kind, name)


async def test_a_server_of_another_account_region_or_partition_is_unknown(api: TransferApi):
    _, arn = await make_server(api)
    for elsewhere in (
        {"Arn": arn, "account": "222222222222"},
        {"Arn": arn, "region": "eu-west-1"},
        {"Arn": arn.replace("arn:aws:", "arn:aws-cn:")},
    ):
        assert (await api.refused("TagResource", Tags=tags(a="b"), **elsewhere)).message == "Unknown server"


@pytest.mark.parametrize(
    ("arn", "sentence"),
    [
        ("arn:nonsense-of-20-characters", "is not an ARN"),
        (
            f"arn:aws:transfer:{REGION}:{HUB}:workflow/w-0123456789abcdef0",
            "not the ARN of a Transfer server, user or host key",
        ),
        (f"arn:aws:transfer:{REGION}:{HUB}:server/", "not the ARN of a Transfer server, user or host key"),
        (f"arn:aws:transfer:{REGION}:{HUB}:user/s-1", "not the ARN of a Transfer server, user or host key"),
        (f"arn:aws:transfer:{REGION}:{HUB}:host-key/s-1", "not the ARN of a Transfer server, user or host key"),
        (f"arn:aws:transfer:{REGION}:{HUB}:user/s-1/", "not the ARN of a Transfer server, user or host key"),
        (f"arn:aws:lambda:{REGION}:{HUB}:server/s-1", "not the ARN of a Transfer server, user or host key"),
    ],
)
async def test_only_servers_users_and_host_keys_have_tags(api: TransferApi, arn: str, sentence: str):
    error = await api.refused("ListTagsForResource", Arn=arn)
    assert error.code == "InvalidRequestException"
    assert sentence in error.message


async def test_an_address_that_cannot_be_meant_is_refused_before_the_server_has_it(api: TransferApi):
    server_id, arn = await make_server(api, Tags=tags(team="red"))
    wrong = [{"Key": "crossdock:endpoint", "Value": "sftp=127.0.0.1"}]
    for operation, params in (("TagResource", {"Arn": arn}), ("CreateServer", SERVICE_MANAGED)):
        error = await api.refused(operation, **params, Tags=wrong)
        assert error.code == "InvalidRequestException"
        assert "the tag crossdock:endpoint has 'sftp=127.0.0.1': write PROTOCOL=HOST:PORT" in error.message
    server = await api.directory.server(server_id)
    assert server is not None
    assert server.tags == {"team": "red"}


async def test_a_kind_of_tls_that_cannot_be_meant_is_refused_before_the_server_has_it(api: TransferApi):
    server_id, arn = await make_server(api)
    for operation, params in (("TagResource", {"Arn": arn}), ("CreateServer", SERVICE_MANAGED)):
        for value in ("implict", ""):
            error = await api.refused(operation, **params, Tags=[{"Key": "crossdock:ftps", "Value": value}])
            assert error.code == "InvalidRequestException"
            assert f"the tag crossdock:ftps has {value!r}: write implicit, or explicit" in error.message
    for value, is_implicit in (("Implicit", True), ("explicit", False)):
        await api.call("TagResource", Arn=arn, Tags=[{"Key": "crossdock:ftps", "Value": value}])
        server = await api.directory.server(server_id)
        assert server is not None
        assert server.is_tls_implicit is is_implicit


async def test_what_becomes_of_interrupted_uploads_is_one_of_three_words(api: TransferApi):
    server_id, arn = await make_server(api)
    for operation, params in (("TagResource", {"Arn": arn}), ("CreateServer", SERVICE_MANAGED)):
        for value in ("Keep", "", "perhaps"):
            error = await api.refused(operation, **params, Tags=[{"Key": INTERRUPTED_TAG, "Value": value}])
            assert error.code == "InvalidRequestException"
            assert f"the tag {INTERRUPTED_TAG} has {value!r}: write discard, keep, resume" in error.message
    for kept in InterruptedUploads:
        await api.call("TagResource", Arn=arn, Tags=[{"Key": INTERRUPTED_TAG, "Value": kept.value}])
        server = await api.directory.server(server_id)
        assert server is not None
        assert server.interrupted_uploads is kept
    await api.call("UntagResource", Arn=arn, TagKeys=[INTERRUPTED_TAG])
    server = await api.directory.server(server_id)
    assert server is not None
    assert server.interrupted_uploads is InterruptedUploads.DISCARD


ID = "s-0123456789abcdef0"


async def test_a_tag_chooses_the_id_of_a_new_server_that_no_other_of_any_account_has(api: TransferApi):
    chosen = [{"Key": "crossdock:server-id", "Value": ID}]
    assert await make_server(api, Tags=chosen) == (ID, f"arn:aws:transfer:{REGION}:{HUB}:server/{ID}")
    for account in (HUB, "222222222222"):
        error = await api.refused("CreateServer", **SERVICE_MANAGED, Tags=chosen, account=account)
        assert (error.code, error.members["Resource"]) == ("ResourceExistsException", ID)
    assert [server.server_id for server in await api.directory.servers()] == [ID]


async def test_an_id_that_is_none_is_refused_and_no_tag_changes_one(api: TransferApi):
    server_id, arn = await make_server(api)
    for value in ("s-1", "", f"{ID}0", ID.upper()):
        error = await api.refused(
            "CreateServer", **SERVICE_MANAGED, Tags=[{"Key": "crossdock:server-id", "Value": value}]
        )
        assert f"the tag crossdock:server-id has {value!r}: write s- and 17 hex digits" in error.message
    await api.call("TagResource", Arn=arn, Tags=[{"Key": "crossdock:server-id", "Value": server_id}])
    error = await api.refused("TagResource", Arn=arn, Tags=[{"Key": "crossdock:server-id", "Value": ID}])
    assert "chooses the id of a new server" in error.message


async def test_the_gateway_hears_of_changed_tags(api: TransferApi):
    _, arn = await make_server(api)
    listening = api.directory.changes()
    await anext(listening)
    await api.call("TagResource", Arn=arn, Tags=tags(team="red"))
    await anext(listening)
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    await anext(listening)
    await listening.aclose()


async def test_permissions_are_asked_for_the_tagged_resource_with_the_tags(api: TransferApi):
    _, arn = await make_user(api, Tags=tags(team="red"))
    created = next(asked for asked in api.authorizer.asked if asked.action == "transfer:CreateUser")
    assert created.context == {"aws:RequestTag/team": ("red",), "aws:TagKeys": ("team",)}
    await api.call("TagResource", Arn=arn, Tags=tags(team="blue"))
    await api.call("UntagResource", Arn=arn, TagKeys=["team"])
    await api.ask("ListTagsForResource", Arn=arn)
    assert [(asked.action, asked.resource, asked.context) for asked in api.authorizer.asked[-3:]] == [
        ("transfer:TagResource", arn, {"aws:RequestTag/team": ("blue",), "aws:TagKeys": ("team",)}),
        ("transfer:UntagResource", arn, {"aws:TagKeys": ("team",)}),
        ("transfer:ListTagsForResource", arn, {}),
    ]
    await make_server(api, Tags=tags(team="red"))
    assert api.authorizer.asked[-1].context["aws:RequestTag/team"] == ("red",)
