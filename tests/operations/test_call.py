"""The road that every operation takes."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.house import AllowEverything, AllowOnly, CountingState, make_house

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import Fault, OutOfSpace, ServiceError, Unavailable
from crossdock.core.principals import IamUser, ServicePrincipal
from crossdock.operations.audit import AUDIT
from crossdock.operations.call import Call, House, Operations
from crossdock.operations.caller import Caller, Context, Origin
from crossdock.operations.operation import (
    Operation,
    Params,
    Permission,
    Result,
    ServiceOperations,
    needs,
    needs_nothing,
)
from crossdock.policy.evaluate import Decision, Layer
from crossdock.ports.state import Row, TableSpec

ACCOUNT = "111111111111"
ALICE = Caller(principal=IamUser(account_id=ACCOUNT, user_name="alice", user_id="AIDAALICE"), access_key_id="AKIAALICE")
ORIGIN = Origin(source_ip="192.0.2.7", is_secure=True, user_agent="tests/1")
THINGS = TableSpec(name="things")


async def make_thing(call: Call) -> Result:
    async with call.transaction() as tx:
        await tx.table(THINGS).put((call.account_id, call.params["Name"]), {"by": call.caller.principal.arn})
    return {"Name": call.params["Name"], "At": call.now}


async def read_thing(call: Call) -> Result:
    async with call.reading() as tx:
        row = await tx.table(THINGS).get((call.account_id, call.params["Name"]))
    return {"Found": row is not None}


async def look_up(call: Call) -> list[Permission]:
    """Permissions that had to be looked up."""
    async with call.reading():
        return [
            Permission(action="shelf:Make", resource=f"arn:aws:shelf:::{call.params['Name']}"),
            Permission(action="shelf:Tag", resource="*"),
        ]


async def fail_full(_call: Call) -> Result:
    raise OutOfSpace("no room")


async def fail_away(_call: Call) -> Result:
    raise Unavailable("the store does not answer")


async def demand_more(call: Call) -> Result:
    await call.demand(Permission(action="shelf:Extra", resource="*"))
    return {}


async def ask(call: Call) -> Result:
    decision = await call.decide(Permission(action="shelf:List", resource="*"))
    return {"MayList": decision.is_allowed}


async def relay(call: Call) -> Result:
    return await call.invoke("depot", "Whoami", {}, region=call.params.get("Region"))


async def whoami(call: Call) -> Result:
    return {
        "Arn": call.caller.principal.arn,
        "Account": call.account_id,
        "Region": call.region,
        "Via": call.origin.via,
        "Ip": call.origin.source_ip,
    }


SHELF = ServiceOperations(
    service="shelf",
    operations={
        "Make": Operation(handler=make_thing, permissions=needs("shelf:Make")),
        "MakeTagged": Operation(handler=make_thing, permissions=look_up),
        "Read": Operation(handler=read_thing, permissions=needs("shelf:Read", "arn:aws:shelf:::all"), is_data=True),
        "FailFull": Operation(handler=fail_full, permissions=needs_nothing),
        "FailAway": Operation(handler=fail_away, permissions=needs_nothing),
        "DemandMore": Operation(handler=demand_more, permissions=needs_nothing),
        "Ask": Operation(handler=ask, permissions=needs_nothing),
        "Relay": Operation(handler=relay, permissions=needs_nothing),
    },
    denied_code="AccessDenied",
    denied_status=403,
)
DEPOT = ServiceOperations(
    service="depot", operations={"Whoami": Operation(handler=whoami, permissions=needs("depot:Whoami"))}
)
S3 = ServiceOperations(
    service="s3",
    operations={
        "FailFull": Operation(handler=fail_full, permissions=needs_nothing),
        "FailAway": Operation(handler=fail_away, permissions=needs_nothing),
    },
)


def make_operations(authorizer: AllowOnly, house: House | None = None) -> Operations:
    return Operations([SHELF, DEPOT, S3], house=house or make_house(), authorizer=authorizer)


async def run(operations: Operations, operation: str, /, service: str = "shelf", **params: str) -> Result:
    return await operations.call(
        service, operation, params, caller=ALICE, account_id=ACCOUNT, region="us-east-1", origin=ORIGIN
    )


async def audited(operations: Operations) -> list[Row]:
    async with operations.house.state.reading() as tx:
        return await tx.table(AUDIT).page()


async def test_an_allowed_call_runs_and_answers() -> None:
    operations = make_operations(AllowOnly("shelf:Make"))

    answer = await run(operations, "Make", Name="box")

    assert answer == {"Name": "box", "At": operations.house.clock.now()}


async def test_every_permission_of_the_row_is_asked_in_order() -> None:
    authorizer = AllowEverything()

    await run(make_operations(authorizer), "MakeTagged", Name="box")

    assert [(one.action, one.resource) for one in authorizer.asked] == [
        ("shelf:Make", "arn:aws:shelf:::box"),
        ("shelf:Tag", "*"),
    ]


async def test_one_missing_permission_of_several_denies_and_nothing_is_written() -> None:
    operations = make_operations(AllowOnly("shelf:Make"))

    with pytest.raises(ServiceError) as refused:
        await run(operations, "MakeTagged", Name="box")

    assert refused.value.code == "AccessDenied"
    assert refused.value.status == 403
    assert refused.value.message.startswith(
        "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: shelf:Tag on resource: * because "
    )
    async with operations.house.state.reading() as tx:
        assert await tx.table(THINGS).page() == []


async def test_a_change_is_audited_with_the_change_and_without_its_parameters() -> None:
    operations = make_operations(AllowEverything())

    await run(operations, "Make", Name="my secret")

    (row,) = await audited(operations)
    assert row.value["eventName"] == "Make"
    assert row.value["eventSource"] == "shelf.amazonaws.com"
    assert row.value["principal"] == "arn:aws:iam::111111111111:user/alice"
    assert row.value["accessKeyId"] == "AKIAALICE"
    assert row.value["recipientAccountId"] == ACCOUNT
    assert row.value["sourceIPAddress"] == "192.0.2.7"
    assert row.value["userAgent"] == "tests/1"
    assert row.value["via"] == "api"
    assert row.value["errorCode"] == ""
    assert "my secret" not in str(row)


async def test_a_change_that_fails_leaves_no_audit_record() -> None:
    async def fail_midway(call: Call) -> Result:
        async with call.transaction() as tx:
            await tx.table(THINGS).put(("x",), {})
            raise ServiceError("Conflict", "no")

    table = ServiceOperations(
        service="shelf", operations={"Fail": Operation(handler=fail_midway, permissions=needs_nothing)}
    )
    operations = Operations([table], house=make_house(), authorizer=AllowEverything())

    with pytest.raises(ServiceError, match="Conflict"):
        await run(operations, "Fail")

    assert await audited(operations) == []


async def test_a_read_is_not_audited() -> None:
    operations = make_operations(AllowEverything())

    assert await run(operations, "Read", Name="box") == {"Found": False}

    assert await audited(operations) == []


async def test_a_denied_change_is_audited_with_its_error_code() -> None:
    operations = make_operations(AllowOnly())

    with pytest.raises(ServiceError, match="AccessDenied"):
        await run(operations, "Make", Name="box")

    (row,) = await audited(operations)
    assert row.value["errorCode"] == "AccessDenied"


async def test_a_denied_data_operation_is_logged_and_not_audited(caplog: pytest.LogCaptureFixture) -> None:
    state = CountingState(MemoryState())
    operations = make_operations(AllowOnly(), make_house(state=state))

    with caplog.at_level(logging.INFO, "crossdock.operations.call"), pytest.raises(ServiceError):
        await run(operations, "Read", Name="box")

    assert state.writes == 0
    (record,) = [one for one in caplog.records if one.message == "denied"]
    assert record.action == "shelf:Read"
    assert record.resource == "arn:aws:shelf:::all"
    assert "shelf:Read" in record.reason


async def test_services_deny_in_their_own_code_and_status() -> None:
    with pytest.raises(ServiceError) as refused:
        await run(make_operations(AllowOnly()), "Whoami", service="depot")

    assert (refused.value.code, refused.value.status) == ("AccessDeniedException", 400)


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("shelf", "Burn", "UnknownOperationException"),
        ("attic", "Make", "UnknownOperationException"),
        ("s3", "PutBucketWebsite", "NotImplemented"),
    ],
)
async def test_what_has_no_row_is_not_implemented(service: str, operation: str, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await run(make_operations(AllowEverything()), operation, service=service)

    assert (refused.value.code, refused.value.status, refused.value.fault) == (code, 501, Fault.RECEIVER)


@pytest.mark.parametrize(
    ("service", "operation", "code", "sentence"),
    [
        ("s3", "FailFull", "ServiceUnavailable", "The service's disk is full."),
        ("shelf", "FailFull", "ServiceUnavailableException", "The service's disk is full."),
        ("shelf", "FailAway", "ServiceUnavailableException", "the store does not answer"),
    ],
)
async def test_a_full_disk_or_an_absent_store_is_service_unavailable(
    service: str, operation: str, code: str, sentence: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        await run(make_operations(AllowEverything()), operation, service=service)

    assert (refused.value.code, refused.value.status, refused.value.message) == (code, 503, sentence)


async def test_a_handler_can_demand_what_only_it_can_know() -> None:
    assert await run(make_operations(AllowOnly("shelf:Extra")), "DemandMore") == {}

    with pytest.raises(ServiceError, match="shelf:Extra"):
        await run(make_operations(AllowOnly()), "DemandMore")


async def test_a_handler_can_ask_without_failing() -> None:
    assert await run(make_operations(AllowOnly("shelf:List")), "Ask") == {"MayList": True}
    assert await run(make_operations(AllowOnly()), "Ask") == {"MayList": False}


async def test_an_operation_that_calls_another_keeps_the_caller_and_says_on_whose_behalf() -> None:
    operations = make_operations(AllowOnly("depot:Whoami"))

    answer = await run(operations, "Relay")

    assert answer == {
        "Arn": ALICE.principal.arn,
        "Account": ACCOUNT,
        "Region": "us-east-1",
        "Via": "shelf",
        "Ip": "192.0.2.7",
    }
    assert (await run(operations, "Relay", Region="eu-west-1"))["Region"] == "eu-west-1"


async def test_an_operation_that_calls_another_lends_it_no_permissions() -> None:
    with pytest.raises(ServiceError, match="depot:Whoami"):
        await run(make_operations(AllowOnly()), "Relay")


async def test_a_request_id_is_made_when_none_came() -> None:
    operations = make_operations(AllowEverything())
    caller = replace(ALICE, principal=ServicePrincipal(name="transfer.amazonaws.com"))

    for request_id in ("", "given"):
        await operations.call(
            "shelf",
            "Make",
            {"Name": "box"},
            caller=caller,
            account_id=ACCOUNT,
            region="us-east-1",
            origin=ORIGIN,
            request_id=request_id,
        )

    keys = [row.key for row in await audited(operations)]
    assert keys[0][:2] == keys[1][:2] == (ACCOUNT, "2026-03-15T00:47:00.000000Z")
    assert {len(key[2]) for key in keys} == {36, len("given")}


async def test_a_call_that_writes_twice_is_one_audit_record() -> None:
    async def write_twice(call: Call) -> Result:
        for name in ("a", "b"):
            async with call.transaction() as tx:
                await tx.table(THINGS).put((name,), {})
        return {}

    table = ServiceOperations(
        service="shelf", operations={"Twice": Operation(handler=write_twice, permissions=needs_nothing)}
    )
    operations = Operations([table], house=make_house(), authorizer=AllowEverything())

    await run(operations, "Twice")

    assert len(await audited(operations)) == 1


async def test_the_tables_can_be_listed_and_a_service_can_join_later() -> None:
    operations = Operations([SHELF], house=make_house(), authorizer=AllowEverything())

    operations.add(DEPOT)

    assert set(operations.services) == {"shelf", "depot"}
    assert (await run(operations, "Relay"))["Via"] == "shelf"


async def test_input_is_checked_before_anybody_is_asked_for_permission() -> None:
    authorizer = AllowEverything()

    def refuse(service: str, operation: str, params: Params) -> None:
        raise ServiceError("ValidationException", f"{service} {operation} {sorted(params)}")

    operations = Operations([SHELF], house=make_house(), authorizer=authorizer, validate=refuse)

    with pytest.raises(ServiceError, match=r"ValidationException: shelf Make \['Size'\]"):
        await run(operations, "Make", Size="3")

    assert authorizer.asked == []


class RefuseFrom(AllowOnly):
    """Refuses everything, for the sake of the resource's policy."""

    def __init__(self, *, same_account: bool) -> None:
        super().__init__()
        self._same_account = same_account

    async def decide(self, caller: Caller, permission: Permission, context: Context) -> Decision:
        decision = await super().decide(caller, permission, context)
        owner = ACCOUNT if self._same_account else "222222222222"
        return replace(
            decision,
            same_account=self._same_account,
            withheld_by=(Layer.RESOURCE,),
            request=replace(decision.request, resource_account=owner),
        )


async def test_a_caller_from_another_account_hears_only_which_kind_of_policy_refused() -> None:
    with pytest.raises(ServiceError) as refused:
        await run(make_operations(RefuseFrom(same_account=False)), "Read", Name="box")

    assert refused.value.message == (
        "User: arn:aws:iam::111111111111:user/alice is not authorized to perform: shelf:Read on resource: "
        "arn:aws:shelf:::all because no resource-based policy allows the shelf:Read action"
    )
    assert "there is no resource-based policy of arn:aws:shelf:::all (account 222222222222)" in refused.value.reason
    assert refused.value.reason not in str(refused.value)


async def test_a_caller_of_the_same_account_hears_the_whole_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with pytest.raises(ServiceError) as refused:
        await run(make_operations(RefuseFrom(same_account=True)), "Read", Name="box")

    question, _, answer = refused.value.reason.partition(": ")
    assert question == "shelf:Read on arn:aws:shelf:::all of account 111111111111"
    reason, _, request_id = answer.removesuffix(")").rpartition(" (request ")
    assert refused.value.message.endswith(f"because {reason}")
    assert (denied := logged_denial(caplog)) is not None
    assert (denied.request_id, denied.reason) == (request_id, reason)


def logged_denial(caplog: pytest.LogCaptureFixture) -> Any:
    return next((record for record in caplog.records if record.message == "denied"), None)


async def test_a_call_that_was_begun_is_authorised_as_often_as_it_is_asked() -> None:
    authorizer = AllowOnly("shelf:Make")
    operations = make_operations(authorizer)

    call = operations.begin(
        "shelf", "Make", {"Name": "box"}, caller=ALICE, account_id=ACCOUNT, region="us-east-1", origin=ORIGIN
    )
    await operations.authorise(call)
    await operations.authorise(call)

    assert [one.action for one in authorizer.asked] == ["shelf:Make", "shelf:Make"]
    async with operations.house.state.reading() as tx:
        assert await tx.table(THINGS).page() == []


async def test_a_call_of_what_has_no_row_cannot_be_begun() -> None:
    with pytest.raises(ServiceError, match="UnknownOperationException"):
        make_operations(AllowEverything()).begin(
            "shelf", "Burn", {}, caller=ALICE, account_id=ACCOUNT, region="us-east-1", origin=ORIGIN
        )


async def test_the_house_s_rule_refuses_who_is_allowed_and_is_not_asked_about_others() -> None:
    asked: list[str] = []

    def rule(call: Call) -> None:
        asked.append(call.operation)
        raise ServiceError("NotHere", "This house makes no boxes.")

    def operations(*actions: str) -> Operations:
        return Operations([SHELF], house=make_house(), authorizer=AllowOnly(*actions), rule=rule)

    with pytest.raises(ServiceError, match="NotHere"):
        await run(operations("shelf:Make"), "Make", Name="box")
    with pytest.raises(ServiceError, match="is not authorized"):
        await run(operations(), "Make", Name="box")

    assert asked == ["Make"]
