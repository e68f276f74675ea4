"""The botocore models as judges: what goes into an operation and what comes out must fit its shapes."""

from functools import cache

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from crossdock.operations.operation import Params, Result


@cache
def service_model(service: str) -> ServiceModel:
    loader = Loader()
    return ServiceModel(loader.load_service_model(service, "service-2"), service_name=service)


def assert_fits(service: str, operation: str, params: Params, result: Result) -> None:
    """Every member is known, of its type, and the required ones are there."""
    model = service_model(service).operation_model(operation)
    for shape, value in ((model.input_shape, params), (model.output_shape, result)):
        if shape is None:
            assert not value
        else:
            report = ParamValidator().validate(dict(value), shape)
            assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
