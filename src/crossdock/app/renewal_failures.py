"""AWS credentials that could not be renewed, of which libraries log a traceback, in a sentence of ours.

Source: `_protected_refresh` of aiobotocore.credentials and aiobotocore.tokens, and `_refresher` of the latter; botocore
words them alike.
"""

import logging
from collections.abc import Mapping

_CREDENTIALS = "AWS credentials of the environment or a profile"
_TOKEN = "the single sign-on token behind AWS credentials"
_WHAT = {
    "Refreshing temporary credentials failed during %s refresh period.": _CREDENTIALS,
    "Refreshing token failed during the %s refresh period.": _TOKEN,
    "SSO token refresh attempt failed": _TOKEN,
}
_SO: Mapping[object, str] = {
    ("advisory",): ", while what there is lasts a little longer",
    ("mandatory",): ", and until that works, what needs it fails",
}


def in_a_sentence(record: logging.LogRecord) -> logging.LogRecord:
    """The record, or in the place of such a one another that says what failed, and why.

    The traceback stays where the failure is none that looking for credentials is known to have.
    """
    what = _WHAT.get(record.msg) if isinstance(record.msg, str) else None
    error = record.exc_info[1] if record.exc_info else None
    if what is None or error is None:
        return record
    from botocore.exceptions import BotoCoreError, ClientError  # loaded already, by what has logged

    told = logging.makeLogRecord(record.__dict__)
    told.msg = (
        f"{what} could not be renewed{_SO.get(record.args, '')}: {type(error).__name__}: {' '.join(str(error).split())}"
    )
    told.args = ()
    if isinstance(error, BotoCoreError | ClientError | OSError):
        told.exc_info = told.exc_text = None
    return told


class _Sentences(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return super().format(in_a_sentence(record))


def warn_on_stderr() -> None:
    """Where libraries' warnings go in a command that has no log; nothing is changed where somebody has said so."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Sentences())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
