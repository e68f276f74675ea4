"""GetFunction, GetFunctionConfiguration, ListFunctions.

Source: Lambda API Reference, the operations of these names.
"""

from typing import Any

from crossdock.cloud.lambda_.describing import described
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import LATEST, function_ref
from crossdock.cloud.lambda_.records import FUNCTIONS
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.operations.paging import page_key, page_token

MAX_LISTED = 50


async def get_function(functions: Functions, call: Call) -> Result:
    """Without a place to download the code from: archives leave the service by no door."""
    ref = function_ref(call)
    record = await functions.find(call, ref)
    answer: dict[str, Any] = {
        "Configuration": described(functions, record, ref.qualifier),
        "Code": {"RepositoryType": "S3"},
    }
    if record.tags:
        answer["Tags"] = dict(record.tags)
    return answer


async def get_function_configuration(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    return described(functions, await functions.find(call, ref), ref.qualifier)


async def list_functions(functions: Functions, call: Call) -> Result:
    """Pages of fifty at most, even when more are asked for, as at AWS."""
    limit = min(call.params.get("MaxItems", MAX_LISTED), MAX_LISTED)
    after = page_key(call.params.get("Marker") or None, error_code="InvalidParameterValueException")
    qualifier = LATEST if call.params.get("FunctionVersion") == "ALL" else ""
    async with call.reading() as tx:
        place = None if after is None else (call.account_id, call.region, *after)
        found = await FUNCTIONS.page(tx, call.account_id, call.region, after=place, limit=limit + 1)
    answer: dict[str, Any] = {"Functions": [described(functions, record, qualifier) for record in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = page_token((found[limit - 1].name,))
    return answer
