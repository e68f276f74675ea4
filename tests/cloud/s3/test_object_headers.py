"""Metadata and headers that objects carry."""

from datetime import UTC, datetime

import pytest

from crossdock.cloud.s3.object_headers import (
    COMPLETED_UPLOAD_HEADER,
    described,
    overridden,
    refuse_unsupported,
    shown_headers,
    stored_headers,
    stored_metadata,
)
from crossdock.core.errors import ServiceError
from crossdock.ports.storage import ObjectEntry

EXPIRES = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry_with(headers):
    return ObjectEntry(size=0, etag="x", modified_at=EXPIRES, segments=(), headers=headers)


def test_what_is_stored_is_described():
    params = {
        "CacheControl": "no-store",
        "ContentDisposition": "inline",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "Expires": EXPIRES,
        "WebsiteRedirectLocation": "/else",
    }
    assert described(entry_with(stored_headers(params))) == {"Metadata": {}, **params}


def test_an_object_without_a_type_is_octets():
    assert stored_headers({}) == {"content-type": "binary/octet-stream"}


@pytest.mark.parametrize(
    ("sent", "kept"), [("aws-chunked", None), ("aws-chunked,gzip", "gzip"), ("gzip, br", "gzip,br"), ("", None)]
)
def test_the_encoding_of_the_transfer_is_not_the_objects(sent, kept):
    assert stored_headers({"ContentEncoding": sent}).get("content-encoding") == kept


def test_a_redirect_leads_somewhere():
    with pytest.raises(ServiceError, match="InvalidArgument"):
        stored_headers({"WebsiteRedirectLocation": "elsewhere"})


def test_notes_to_ourselves_are_not_shown():
    headers = {"content-type": "a/b", COMPLETED_UPLOAD_HEADER: "id"}
    assert shown_headers(headers) == {"content-type": "a/b"}
    assert described(entry_with(headers)) == {"Metadata": {}, "ContentType": "a/b"}


def test_metadata_names_are_lower_case():
    assert stored_metadata({"Metadata": {"User-Agent": "AWSTransfer"}}) == {"user-agent": "AWSTransfer"}
    assert stored_metadata({}) == {}


def test_metadata_may_be_2_kb_and_no_more():
    assert stored_metadata({"Metadata": {"k": "v" * 2047}})
    for metadata in ({"k": "v" * 2048}, {"é": "ü" * 1024}):
        with pytest.raises(ServiceError) as refused:
            stored_metadata({"Metadata": metadata})
        assert refused.value.code == "MetadataTooLarge"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"SSECustomerAlgorithm": "AES256"}, "NotImplemented"),
        ({"Tagging": "a=b"}, "NotImplemented"),
        ({"ObjectLockMode": "GOVERNANCE"}, "NotImplemented"),
        ({"StorageClass": "GLACIER"}, "NotImplemented"),
        ({"WriteOffsetBytes": 0}, "NotImplemented"),
    ],
)
def test_what_crossdock_does_not_do_is_refused_and_not_overlooked(params, code):
    with pytest.raises(ServiceError) as refused:
        refuse_unsupported(params)
    assert refused.value.code == code


def test_what_changes_nothing_is_accepted():
    refuse_unsupported({"StorageClass": "STANDARD"})


def test_answers_can_be_given_other_headers_by_those_who_sign():
    params = {"ResponseContentType": "text/csv", "ResponseExpires": EXPIRES}
    assert overridden(params, is_anonymous=False) == {"ContentType": "text/csv", "Expires": EXPIRES}
    assert overridden({}, is_anonymous=True) == {}
    with pytest.raises(ServiceError, match="anonymous"):
        overridden(params, is_anonymous=True)
