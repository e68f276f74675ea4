"""TagResource, UntagResource, ListTags.

Source: Lambda API Reference, the operations of these names.
"""

from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.lambda_.configuration import check_tags
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import tagged_ref
from crossdock.cloud.lambda_.records import FUNCTIONS
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def tag_resource(functions: Functions, call: Call) -> Result:
    ref = tagged_ref(call)
    async with policy_transaction(call, functions.epoch) as tx:
        record = await functions.present(tx, call, ref)
        tags = {**record.tags, **call.params["Tags"]}
        check_tags(tags)
        await FUNCTIONS.put(tx, replace(record, tags=tags), *record.key)
    return {}


async def untag_resource(functions: Functions, call: Call) -> Result:
    ref = tagged_ref(call)
    unwanted = set(call.params["TagKeys"])
    async with policy_transaction(call, functions.epoch) as tx:
        record = await functions.present(tx, call, ref)
        tags = {key: value for key, value in record.tags.items() if key not in unwanted}
        await FUNCTIONS.put(tx, replace(record, tags=tags), *record.key)
    return {}


async def list_tags(functions: Functions, call: Call) -> Result:
    record = await functions.find(call, tagged_ref(call))
    return {"Tags": dict(record.tags)}
