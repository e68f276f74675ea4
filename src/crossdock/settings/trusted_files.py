"""Files of certificate authorities, which settings, variables and profiles name."""

import os
import ssl
from pathlib import Path

from crossdock.settings.errors import BadSetting


class BadAuthorities(BadSetting):
    """A file that has no certificate authorities; the message says who names it, and what is wrong with it."""


def trusting(file: str | Path, *, named_by: str) -> ssl.SSLContext:
    """Trusts the authorities of this file, and no others. Raises BadAuthorities."""

    def objection(sentence: str) -> BadAuthorities:
        return BadAuthorities(f"{named_by}: the file of certificate authorities {file} {sentence}")

    if os.path.isdir(file):
        raise objection("is a directory: name one file that has them all, in PEM")
    try:
        context = ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise objection(f"{_what_is_wrong(error)}") from error
    except FileNotFoundError as error:
        raise objection("does not exist") from error
    except OSError as error:
        raise objection(f"cannot be read: {error.strerror}") from error
    if not context.cert_store_stats()["x509"]:
        raise objection("holds no certificate in PEM")  # but a list of revoked ones
    return context


def _what_is_wrong(error: ssl.SSLError) -> str:
    if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND":
        return "holds no certificate in PEM"
    return "holds a certificate that is cut off or damaged"
