import pytest

from crossdock.core.arns import function_name, no_such, parse_arn

FUNCTION = "arn:aws:lambda:eu-central-1:111111111111:function:provider"


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (FUNCTION, "provider"),
        (f"{FUNCTION}:live", "provider"),
        (FUNCTION.replace("function:", "layer:"), ""),
        ("arn:aws:iam::111111111111:role/function:provider", ""),
    ],
)
def test_a_functions_name_is_told_without_its_version(arn: str, name: str) -> None:
    assert function_name(parse_arn(arn)) == name


def test_what_is_missing_is_told_with_where_it_should_be() -> None:
    assert no_such(parse_arn(f"{FUNCTION}:live")) == (
        "there is no function provider in account 111111111111 in region eu-central-1"
    )
    assert no_such(parse_arn("arn:aws:iam::111111111111:role/a/b")) == "there is no role a/b in account 111111111111"
