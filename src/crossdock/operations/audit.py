"""Who changed what, and who was refused: one row a call, written with the change itself."""

from typing import TYPE_CHECKING

from crossdock.ports.state import TableSpec, Transaction

if TYPE_CHECKING:
    from crossdock.operations.call import Call

AUDIT = TableSpec(name="audit")


async def record_audit(tx: Transaction, call: "Call", *, error_code: str) -> None:
    """Note the call. A call that writes twice keeps one row, because its key is the call's own time and id.

    Parameters are left out: they may hold secrets.
    """
    moment = call.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    account = call.caller.principal.account_id or call.account_id or "-"
    await tx.table(AUDIT).put(
        (account, moment, call.request_id),
        {
            "eventTime": moment,
            "eventSource": f"{call.service}.amazonaws.com",
            "eventName": call.operation,
            "awsRegion": call.region,
            "sourceIPAddress": call.origin.source_ip,
            "userAgent": call.origin.user_agent,
            "via": call.origin.via,
            "principal": call.caller.principal.arn,
            "accessKeyId": call.caller.access_key_id,
            "recipientAccountId": call.account_id,
            "requestId": call.request_id,
            "errorCode": error_code,
        },
    )
