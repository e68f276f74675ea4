from tests.fakes.aws_models import model_of

from crossdock.wire.s3_names import LOCATION_OPERATION, ROOT_ELEMENTS


def test_every_named_operation_is_one_of_the_model():
    assert {*ROOT_ELEMENTS, LOCATION_OPERATION} <= set(model_of("s3").operation_names)


def test_every_named_operation_answers_a_document():
    for name in ROOT_ELEMENTS:
        shape = model_of("s3").operation_model(name).output_shape
        assert "payload" not in shape.serialization, name
