"""AWS's service models, loaded once: they say how every request is read and every answer written."""

from collections.abc import Mapping

from botocore.loaders import Loader
from botocore.model import ServiceModel

SERVICES = (
    "acm",
    "cloudformation",
    "ec2",
    "iam",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "secretsmanager",
    "sts",
    "transfer",
)


def load_models() -> Mapping[str, ServiceModel]:
    """Half a second of reading JSON: call it in a thread."""
    loader = Loader()
    return {name: ServiceModel(loader.load_service_model(name, "service-2"), name) for name in SERVICES}
