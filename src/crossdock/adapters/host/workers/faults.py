"""Errors that cross from the parent to a worker: those that the ports name, with their sentence."""

import logging
from typing import Final

from crossdock.core.errors import CrossdockError, NotFound, OutOfSpace, Unavailable
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.storage import BucketRetired, PartChanged, PreconditionFailed, SourceChanged, UploadGone

_log = logging.getLogger(__name__)

Fault = tuple[str, str]
"""The kind and the sentence."""

_KINDS: Final = {
    kind.__name__: kind
    for kind in (
        AssumeRefused,
        BucketRetired,
        NotFound,
        OutOfSpace,
        PartChanged,
        PreconditionFailed,
        SourceChanged,
        Unavailable,
        UploadGone,
    )
}


def fault_of(error: Exception, *, asked: str) -> Fault:
    """How an error is told to the worker that asked. What no port names is an accident, which the log tells whole."""
    if type(error).__name__ in _KINDS:
        return type(error).__name__, str(error)
    if isinstance(error, CrossdockError):
        return CrossdockError.__name__, str(error)
    _log.error("a worker's call failed", exc_info=error, extra={"call": asked})
    return Unavailable.__name__, f"{asked} failed in the parent process"


def error_of(fault: Fault) -> CrossdockError:
    kind, sentence = fault
    return _KINDS.get(kind, CrossdockError)(sentence)
