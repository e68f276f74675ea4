"""AWS's service models, each read once: they say how every request is read and every answer written."""

from collections.abc import Iterator, Mapping

from botocore.loaders import Loader
from botocore.model import ServiceModel

AT_START = (
    "acm",
    "cloudformation",
    "iam",
    "lambda",
    "logs",
    "organizations",
    "s3",
    "secretsmanager",
    "sts",
    "transfer",
)
SELDOM = ("ec2",)
"""Asked for by few, and larger than all others together: 25 MB."""


class ServiceModels(Mapping[str, ServiceModel]):
    """Those of `AT_START` are there, those of `SELDOM` are read when somebody asks for them."""

    def __init__(self) -> None:
        self._loader = Loader()
        self._read = {name: self._load(name) for name in AT_START}

    def __getitem__(self, service: str) -> ServiceModel:
        """To read one of `SELDOM` stops the loop, once in a process, for a tenth of a second or two.

        So nobody who has not proven who they are may cause it: see `Endpoint`.
        """
        if service in SELDOM and service not in self._read:
            self._read[service] = self._load(service)
        return self._read[service]

    def __contains__(self, service: object) -> bool:
        return service in AT_START or service in SELDOM

    def __iter__(self) -> Iterator[str]:
        yield from (*AT_START, *SELDOM)

    def __len__(self) -> int:
        return len(AT_START) + len(SELDOM)

    def _load(self, service: str) -> ServiceModel:
        return ServiceModel(self._loader.load_service_model(service, "service-2"), service)


def load_models() -> Mapping[str, ServiceModel]:
    """A tenth of a second of reading JSON: call it in a thread."""
    return ServiceModels()
