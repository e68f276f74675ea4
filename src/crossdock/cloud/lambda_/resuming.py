"""The events that a stopped or killed service had accepted, taken up again."""

import logging
from base64 import b64encode

from crossdock.cloud.lambda_.events import EVENTS, EventRecord, forget_event, unseal_event
from crossdock.cloud.lambda_.functions import LAMBDA, ORIGIN
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.ports.host import SealBroken, Sealer

_log = logging.getLogger(__name__)


async def resume_events(operations: Operations, sealer: Sealer) -> int:
    """For start-up, once functions can run and the API can be asked; returns how many go on."""
    async with operations.house.state.reading() as tx:
        waiting = sorted(await EVENTS.everything(tx), key=lambda record: record.accepted_at)
    return sum([await _resumed(operations, sealer, record) for record in waiting])


async def _resumed(operations: Operations, sealer: Sealer, record: EventRecord) -> bool:
    """Accept it as it was accepted before, under its own id; who sent it was authorised then."""
    try:
        event = unseal_event(sealer, record)
        call = operations.begin(
            "lambda",
            "Invoke",
            {
                "FunctionName": record.function.arn,
                "InvocationType": "Event",
                "Payload": event.payload,
                **(
                    {"ClientContext": b64encode(event.client_context.encode()).decode()} if event.client_context else {}
                ),
            },
            caller=Caller(principal=LAMBDA),
            account_id=record.function.account_id,
            region=record.function.region,
            origin=ORIGIN,
            request_id=record.request_id,
        )
        await operations.services["lambda"].operations["Invoke"].handler(call)
    except (ServiceError, SealBroken) as error:
        about = {"event": record.request_id, "function": record.function.arn, "reason": str(error)}
        if isinstance(error, ServiceError) and (error.status >= 500 or error.code == "TooManyRequestsException"):
            _log.warning("an event waits for the next start", extra=about)
        else:
            _log.warning("an event cannot be carried on and is dropped", extra=about)
            await forget_event(operations.house, record.request_id)
        return False
    return True
