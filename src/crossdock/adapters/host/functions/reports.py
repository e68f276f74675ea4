"""The lines that the platform writes into a function's log, and the documents it answers with, as AWS words them.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs".
"""

import json
from datetime import datetime

from crossdock.adapters.host.functions.process import TIMED_OUT, Answer, Failure, FunctionProcess, Outcome
from crossdock.ports.functions import InvocationResult


def start_line(request_id: str) -> str:
    return f"START RequestId: {request_id} Version: $LATEST"


def end_line(request_id: str) -> str:
    return f"END RequestId: {request_id}"


def failure_line(failure: Failure, request_id: str, now: datetime) -> str:
    if failure.kind == TIMED_OUT:
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z {request_id} {failure.message}"
    return f"RequestId: {request_id} Error: {failure.message}"


def report_line(process: FunctionProcess, outcome: Outcome, request_id: str, *, took_ms: float, is_cold: bool) -> str:
    size = process.function.memory_mib
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {took_ms:.2f} ms",
        f"Billed Duration: {-(-took_ms // 1):.0f} ms",
        f"Memory Size: {size} MB",
        f"Max Memory Used: {min(process.peak_memory_mib() or size, size)} MB",
    ]
    if is_cold and process.init_s is not None:
        parts.append(f"Init Duration: {process.init_s * 1000:.2f} ms")
    if isinstance(outcome, Failure):
        parts.append("Status: timeout" if outcome.kind == TIMED_OUT else f"Status: error\tError Type: {outcome.kind}")
    return "\t".join(parts)


def invocation_result(outcome: Outcome, request_id: str, tail: bytes) -> InvocationResult:
    if isinstance(outcome, Answer):
        return InvocationResult(payload=outcome.body, error="Unhandled" if outcome.is_error else "", log_tail=tail)
    document = {"errorType": outcome.kind, "errorMessage": f"RequestId: {request_id} Error: {outcome.message}"}
    return InvocationResult(payload=json.dumps(document).encode(), error="Unhandled", log_tail=tail)
