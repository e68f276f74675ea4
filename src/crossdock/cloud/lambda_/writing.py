"""CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration, DeleteFunction.

Source: Lambda API Reference, the operations of these names.
"""

from dataclasses import replace
from typing import Any

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.lambda_.configuration import (
    DEFAULT_MEMORY_MIB,
    DEFAULT_TIMEOUT_S,
    architecture_of,
    check_configuration,
    check_tags,
)
from crossdock.cloud.lambda_.describing import described
from crossdock.cloud.lambda_.environment import check_variables, seal_variables
from crossdock.cloud.lambda_.faults import already_exists, invalid_parameter, not_found, role_not_assumable
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import LATEST, FunctionRef, function_ref, require_latest
from crossdock.cloud.lambda_.package import forget_package, kept_package, received_package
from crossdock.cloud.lambda_.records import FUNCTIONS, FunctionRecord
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result


async def create_function(functions: Functions, call: Call) -> Result:
    params = call.params
    ref = function_ref(call)
    if ref.qualifier or ref.account_id != call.account_id:
        raise invalid_parameter("The function's name must be one of this account, without a qualifier.")
    check_configuration(params)
    if not params.get("Runtime") or not params.get("Handler"):
        raise invalid_parameter(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    variables = _given_variables(params) or {}
    tags = dict(params.get("Tags", {}))
    check_tags(tags)
    architecture = architecture_of(params)
    if await functions.directory.find(call.house.state, ref) is not None:
        raise already_exists(ref.name)
    await _check_role(functions, call, params["Role"], ref)
    package = await received_package(call, params["Code"])
    async with kept_package(functions.code, package) as code_id:
        record = FunctionRecord(
            account_id=ref.account_id,
            region=ref.region,
            name=ref.name,
            role=params["Role"],
            runtime=params["Runtime"],
            handler=params["Handler"],
            timeout_s=params.get("Timeout", DEFAULT_TIMEOUT_S),
            memory_mib=params.get("MemorySize", DEFAULT_MEMORY_MIB),
            architecture=architecture,
            code_id=code_id,
            code_sha256=package.sha256,
            code_size=package.size,
            modified_at=call.now,
            revision_id=_new_id(call),
            deployment=_new_id(call),
            description=params.get("Description", ""),
            sealed_environment=seal_variables(functions.sealer, ref.arn, variables),
            tags=tags,
        )
        async with policy_transaction(call, functions.epoch) as tx:
            if await FUNCTIONS.get(tx, *ref.key) is not None:
                raise already_exists(ref.name)
            await FUNCTIONS.put(tx, record, *record.key)
    return described(functions, record)


async def update_function_code(functions: Functions, call: Call) -> Result:
    """With DryRun everything is checked, and nothing changed."""
    ref = function_ref(call)
    before = await functions.find(call, ref)
    package = await received_package(call, call.params)
    architecture = architecture_of(call.params, before.architecture)
    changes: dict[str, Any] = {
        "code_sha256": package.sha256,
        "code_size": package.size,
        "architecture": architecture,
    }
    if call.params.get("DryRun"):
        async with call.reading() as tx:
            present = await functions.present(tx, call, ref)
        return described(functions, replace(present, **changes))
    async with kept_package(functions.code, package) as code_id:
        record, replaced = await _changed(functions, call, ref, {**changes, "code_id": code_id})
    await functions.runner.retire(record.arn)
    await forget_package(functions.code, replaced.code_id)
    return described(functions, record)


async def update_function_configuration(functions: Functions, call: Call) -> Result:
    """What is not given stays as it is."""
    params = call.params
    ref = function_ref(call)
    check_configuration(params)
    variables = _given_variables(params)
    await functions.find(call, ref)
    if (role := params.get("Role")) is not None:
        await _check_role(functions, call, role, ref)
    members = {
        "Description": "description",
        "Handler": "handler",
        "MemorySize": "memory_mib",
        "Role": "role",
        "Runtime": "runtime",
        "Timeout": "timeout_s",
    }
    changes: dict[str, Any] = {
        name: params[member] for member, name in members.items() if params.get(member) is not None
    }
    if variables is not None:
        changes["sealed_environment"] = seal_variables(functions.sealer, ref.unqualified.arn, variables)
    record, _ = await _changed(functions, call, ref, changes)
    await functions.runner.retire(record.arn)
    return described(functions, record)


async def delete_function(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    require_latest(ref)
    if ref.qualifier == LATEST:
        raise invalid_parameter("$LATEST version cannot be deleted without deleting the function.")
    async with policy_transaction(call, functions.epoch) as tx:
        record = await FUNCTIONS.get(tx, *ref.key)
        if record is None:
            raise not_found(ref.arn)
        await FUNCTIONS.delete(tx, *ref.key)
    await functions.runner.retire(record.arn)
    await forget_package(functions.code, record.code_id)
    return {"StatusCode": 204}


async def _changed(
    functions: Functions, call: Call, ref: FunctionRef, changes: dict[str, Any]
) -> tuple[FunctionRecord, FunctionRecord]:
    """The function after the change, and before it."""
    async with policy_transaction(call, functions.epoch) as tx:
        before = await functions.present(tx, call, ref)
        after = replace(before, **changes, modified_at=call.now, revision_id=_new_id(call), deployment=_new_id(call))
        await FUNCTIONS.put(tx, after, *after.key)
    return after, before


async def _check_role(functions: Functions, call: Call, role_arn: str, ref: FunctionRef) -> None:
    """Try what every start of the function will need."""
    try:
        await functions.credentials(call, role_arn, ref.unqualified)
    except ServiceError as error:
        if error.status >= 500:
            raise
        raise role_not_assumable() from error


def _given_variables(params: Params) -> dict[str, str] | None:
    """The variables that a request gives, None when it says nothing about them."""
    if (environment := params.get("Environment")) is None:
        return None
    variables = dict(environment.get("Variables") or {})
    check_variables(variables)
    return variables


def _new_id(call: Call) -> str:
    return uuid4_text(call.house.entropy)
