"""Answers as botocore parses them: what is none of AWS's is one error, a ResponseParserError, whoever gave it.

botocore's parsers raise KeyError of XML that is somebody else's, ValueError of a number or a date that is none,
AttributeError of JSON that is no object. Of services that speak JSON, a web page and an empty body are to them answers
without a member.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiobotocore.parsers import create_parser  # type: ignore[import-untyped]  # it ships no types
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

AwsFailure = ClientError | BotoCoreError | ResponseParserError
AWS_FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What a call of botocore's raises: AWS's refusals, what never reached AWS, and answers that are none of AWS's."""

_XML = frozenset({"query", "ec2", "rest-xml"})
"""Protocols whose answers are known by their elements."""
_REQUEST_IDS = ("x-amzn-requestid", "x-amz-request-id")


class AnswerParsers:
    """A session's component `response_parser_factory`, in place of botocore's own."""

    def create_parser(self, protocol: str) -> "_AnswerParser":
        return _AnswerParser(create_parser(protocol))


def with_answer_parsers(session: AioSession) -> AioSession:
    """The same session, whose answers are parsed so from now on."""
    session.register_component("response_parser_factory", AnswerParsers())
    return session


@dataclass(frozen=True, slots=True)
class _AnswerParser:
    _parser: Any

    async def parse(self, response: Mapping[str, Any], shape: Any) -> dict[str, Any]:
        try:
            parsed: dict[str, Any] = await self._parser.parse(response, shape)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise ResponseParserError(f"{type(error).__name__}: {error}") from error
        return parsed


def require_request_id(operation_model: OperationModel, response_dict: Mapping[str, Any], **_event: object) -> None:
    """A client's handler of `before-parse`. Raises ResponseParserError for success that no service of AWS's tells.

    Each names the request in a header. Source: botocore, `parsers.py`, which reads the same two.
    """
    if operation_model.service_model.resolved_protocol in _XML:
        return
    if response_dict["status_code"] >= HTTPStatus.MULTIPLE_CHOICES:
        return
    headers = response_dict["headers"]
    if operation_model.service_model.service_name == "lambda" and headers.get("content-type") == "application/json":
        # AWS SAM's local stand-in names no request. What a function answers is looked at by whoever asked it.
        return
    if not any(headers.get(name) for name in _REQUEST_IDS):
        body = response_dict["body"]
        if not isinstance(body, bytes):
            body.close()
        raise ResponseParserError("the answer names no request, as all of AWS's do")
