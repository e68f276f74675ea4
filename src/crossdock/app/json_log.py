"""The service's own log: a JSON object a line, on standard error."""

import atexit
import json
import logging
import sys
import warnings
from datetime import UTC, datetime

from crossdock.app.few_refusals import FewRefusals
from crossdock.app.renewal_failures import in_a_sentence

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Time, level, logger and message, what `extra` brought, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        record = in_a_sentence(record)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in record.__dict__.items() if name not in _STANDARD})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr(level: str) -> None:
    """Send everything of this process to standard error. Raises ValueError for an unknown level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    few = FewRefusals()
    handler.addFilter(few)
    atexit.register(few.tell_all)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)  # Python's own are lines without JSON otherwise
    # Transfer's security policies have it, and an operator who wants it gone chooses another: nothing to warn of.
    warnings.filterwarnings("ignore", message="Diffie-Hellman over finite fields")
    # Libraries speak up only when something is wrong.
    for name in ("aiohttp", "asyncio", "botocore", "aiobotocore", "sqlalchemy", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
