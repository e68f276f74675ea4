"""MaxItems and Marker."""

import pytest

from crossdock.cloud.iam.pages import listed_page
from crossdock.core.errors import ServiceError

ITEMS = [(name, name.upper()) for name in ("c", "a", "b", "e", "d")]


def test_a_list_is_answered_in_the_order_of_the_names_page_by_page() -> None:
    pages = []
    params: dict[str, object] = {"MaxItems": 2}
    while True:
        page, members = listed_page(ITEMS, params)
        pages.append(page)
        if not members["IsTruncated"]:
            break
        params["Marker"] = members["Marker"]

    assert pages == [["A", "B"], ["C", "D"], ["E"]]
    assert "Marker" not in members


def test_a_page_goes_on_although_its_last_item_was_removed_meanwhile() -> None:
    _, members = listed_page(ITEMS, {"MaxItems": 2})

    rest, _ = listed_page([item for item in ITEMS if item[0] != "b"], {"Marker": members["Marker"]})

    assert rest == ["C", "D", "E"]


def test_a_hundred_items_are_a_page_when_nothing_was_asked() -> None:
    page, members = listed_page([(f"{number:03}", number) for number in range(101)], {})

    assert (len(page), members["IsTruncated"]) == (100, True)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"MaxItems": 0}, "Member must have value greater than or equal to 1"),
        ({"MaxItems": 1001}, "Member must have value less than or equal to 1000"),
        ({"Marker": "nonsense"}, "The pagination token is not valid."),
    ],
)
def test_sizes_and_markers_that_cannot_be_are_refused(params: dict[str, object], sentence: str) -> None:
    with pytest.raises(ServiceError) as refused:
        listed_page(ITEMS, params)

    assert refused.value.code == "ValidationError"
    assert sentence in refused.value.message
