"""What is the management account's alone, and what is not its business."""

from crossdock.cloud.accounts import MANAGEMENT
from crossdock.cloud.organizations.faults import access_denied
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call

_MAKING = ("Create", "Import", "Put", "Request")
"""How operations begin that make something, or give something to what is there."""


def require_management(call: Call) -> None:
    """Raises ServiceError AccessDeniedException for a member account: none is a delegated administrator here."""
    if call.account_id != MANAGEMENT:
        raise access_denied()


def keep_management_empty(call: Call) -> None:
    """A `HouseRule`: whoever may make things in the management account makes them in a member account.

    No service control policy binds the management account, so what was there would be beyond their reach.

    Raises:
        ServiceError: as the service words its denials.
    """
    if call.account_id != MANAGEMENT or call.service == "organizations" or not call.operation.startswith(_MAKING):
        return
    table = call.operations.services[call.service]
    if not table.operations[call.operation].is_data:
        raise ServiceError(
            table.denied_code,
            f"The management account {MANAGEMENT} holds nothing but the organization and its policies: call "
            f"{call.operation} with the keys of a member account.",
            status=table.denied_status,
        )
