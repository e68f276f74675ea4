"""A text as an HTTP header can hold it. Pure.

Source: RFC 9110, section 5.5, "Field Values".
"""

import re

_NOT_IN_A_HEADER = re.compile(r"[^ -~]|^ +| +\Z")


def header_text(text: str) -> str:
    """With `?` in place of every character that is not printable ASCII, and of white space at the ends.

    So it is never blank, but for an empty text.
    """
    return _NOT_IN_A_HEADER.sub(lambda found: "?" * len(found[0]), text)
