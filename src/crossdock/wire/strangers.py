"""Models of services that are not here, or not for this client: nothing but a protocol, so that it can read how it is
refused."""

from botocore.model import ServiceModel

from crossdock.wire.http import HttpRequest

_JSON = "application/x-amz-json-"
_FORM = "application/x-www-form-urlencoded"


def _without_operations(protocol: str, **metadata: str) -> ServiceModel:
    return ServiceModel({"metadata": {"protocol": protocol, **metadata}, "operations": {}, "shapes": {}}, "stranger")


_JSON_1_0 = _without_operations("json", jsonVersion="1.0")
_JSON_1_1 = _without_operations("json", jsonVersion="1.1")
_QUERY = _without_operations("query")
_EC2 = _without_operations("ec2")


def stranger_model(service: str, request: HttpRequest) -> ServiceModel | None:
    """A model in the protocol that a request shows; None when it shows none, as those of the REST protocols do.

    Args:
        service: the name of the service that the request is for, as far as it is known. One has a protocol of its own.
    """
    if service == "ec2":
        return _EC2
    content_type = request.headers.get("content-type", "").lower()
    if "x-amz-target" in request.headers or content_type.startswith(_JSON):
        return _JSON_1_0 if content_type.startswith(_JSON + "1.0") else _JSON_1_1
    if content_type.startswith(_FORM):
        return _QUERY
    return None
