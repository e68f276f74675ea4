"""Rows of operations."""

from crossdock.operations.operation import Permission, pass_role


def test_passing_a_role_names_the_role_and_the_service_that_gets_it() -> None:
    assert pass_role("arn:aws:iam::111111111111:role/Upload", "lambda.amazonaws.com") == Permission(
        action="iam:PassRole",
        resource="arn:aws:iam::111111111111:role/Upload",
        context={"iam:PassedToService": ("lambda.amazonaws.com",)},
    )
