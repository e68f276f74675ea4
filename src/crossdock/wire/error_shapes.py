"""What the model knows about an error: status, name, where its members go."""

from dataclasses import dataclass

from botocore.model import ServiceModel, Shape, StructureShape

from crossdock.core.errors import Fault, ServiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelledError:
    """An error as it goes on the wire, with or without a shape in the model."""

    shape_name: str
    status: int
    message_name: str
    members: dict[str, str]
    """Those in the body, under their names on the wire, without the message."""
    headers: tuple[tuple[str, str], ...]


def modelled_error(model: ServiceModel, error: ServiceError) -> ModelledError:
    """Match an error with its shape.

    The model's status wins where the error leaves the default; an error that the model has not is written as it is.
    """
    shape = model.shape_for_error_code(error.code)  # type: ignore[arg-type]  # the stub says int, botocore means str
    known: dict[str, Shape] = shape.members if isinstance(shape, StructureShape) else {}
    members: dict[str, str] = {}
    headers = list(error.headers.items())
    for key, text in error.members.items():
        member = known.get(key)
        name = str(member.serialization.get("name", key)) if member is not None else key
        if member is not None and member.serialization.get("location") == "header":
            headers.append((name, text))
        else:
            members[name] = text
    if "Type" in known and "Type" not in members:
        # Lambda's errors say whose mistake it was.
        members["Type"] = "User" if error.fault is Fault.SENDER else "Service"
    return ModelledError(
        shape_name=shape.name if isinstance(shape, StructureShape) else error.code,
        status=_status(error, shape),
        message_name=next((key for key in known if key.lower() == "message"), "message"),
        members=members,
        headers=tuple(headers),
    )


def _status(error: ServiceError, shape: Shape | None) -> int:
    if error.status != 400:
        return error.status
    modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape is not None else None
    if modelled is not None:
        return int(modelled)
    return 500 if error.fault is Fault.RECEIVER else 400
