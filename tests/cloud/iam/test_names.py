"""IAM's rules for names, paths and tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.cloud.iam.names import (
    check_name,
    check_path,
    check_policy_path,
    merge_tags,
    read_tags,
    remove_tags,
    tag_list,
)
from crossdock.core.errors import ServiceError

IN_A_NAME = "ABCXYZabcxyz0189_+=,.@-"


@given(st.text(alphabet=IN_A_NAME, min_size=1, max_size=64))
def test_every_name_of_iam_s_characters_is_taken(name: str) -> None:
    check_name("roleName", name, max_chars=64)


@given(st.text(min_size=1, max_size=64).filter(lambda text: not set(text) <= set(IN_A_NAME) and not text.isascii()))
def test_a_name_with_another_letter_is_not(name: str) -> None:
    with pytest.raises(ServiceError):
        check_name("roleName", name, max_chars=64)


@pytest.mark.parametrize("path", ["/", "/a/", "/a/b/", "/!/", "/a//b/"])
def test_paths_begin_and_end_with_a_slash(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize("path", ["", "a", "/a", "a/", "/a b/", "/é/", "//\n/"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ServiceError):
        check_path(path)
    with pytest.raises(ServiceError):
        check_policy_path(path)


@pytest.mark.parametrize("path", ["/aws-service-role/", "/aws-service-role/transfer.amazonaws.com/"])
def test_nobody_makes_a_role_where_service_linked_ones_are(path: str) -> None:
    with pytest.raises(ServiceError, match="reserved for service-linked roles"):
        check_path(path)
    check_path("/aws-service-roles/")


def test_a_policy_s_path_takes_fewer_characters() -> None:
    check_policy_path("/team/blue/")
    with pytest.raises(ServiceError):
        check_policy_path("/!/")


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def test_tags_are_read_in_their_order() -> None:
    assert read_tags(tags(b="1", a="")) == {"b": "1", "a": ""}
    assert tag_list(read_tags(tags(b="1", a=""))) == tags(b="1", a="")
    assert read_tags([{"Key": "チーム", "Value": "青 1/2"}]) == {"チーム": "青 1/2"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (tags(**{"aws:cloud": "x"}), "InvalidInput"),
        (tags(**{"AWS:cloud": "x"}), "InvalidInput"),
        (tags(a="1", A="2"), "InvalidInput"),
        (tags(a="1") * 2, "InvalidInput"),
        (tags(**{"": "x"}), "ValidationError"),
        (tags(**{"k" * 129: "x"}), "ValidationError"),
        (tags(**{"a!": "x"}), "ValidationError"),
        (tags(a="v" * 257), "ValidationError"),
        (tags(a="<b>"), "ValidationError"),
        (tags(**{f"key{number}": "" for number in range(51)}), "LimitExceeded"),
    ],
)
def test_tags_that_cannot_be_are_refused(given: list[dict[str, str]], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        read_tags(given)

    assert refused.value.code == code


def test_a_tag_is_replaced_and_removed_without_regard_to_case() -> None:
    assert merge_tags({"Team": "blue", "cost": "1"}, {"team": "red"}) == {"cost": "1", "team": "red"}
    assert remove_tags({"Team": "blue", "cost": "1"}, ["TEAM", "other"]) == {"cost": "1"}


def test_tags_that_come_together_must_not_be_too_many() -> None:
    present = {f"key{number}": "" for number in range(50)}

    assert len(merge_tags(present, {"KEY0": "x"})) == 50
    with pytest.raises(ServiceError, match="LimitExceeded"):
        merge_tags(present, {"another": ""})
