"""The table of what a KMS key has to allow, against the table of S3 calls."""

import pytest

from crossdock.files.explaining import COMMANDS
from crossdock.files.key_calls import DECRYPT, GENERATE, KEY_CALLS
from crossdock.files.verbs import APART, VERBS, WRITES, FileVerb, Need, On, S3Call


def asked(call: S3Call) -> str:
    """What S3 asks the key for in this call, if anything: HeadObject reads no content."""
    if call.note == APART:
        return ""  # only the embedded S3 has attached buckets, and no KMS
    if call.action == "s3:GetObject" and call.operation != "HeadObject":
        return DECRYPT
    if call.action == "s3:PutObject":
        return GENERATE if call.operation in WRITES else DECRYPT
    return ""


@pytest.mark.parametrize("verb", COMMANDS.values())
def test_every_call_that_reads_or_writes_content_asks_the_key(verb: FileVerb) -> None:
    wanted: dict[tuple[str, On], bool] = {}
    for call in VERBS[verb].calls:
        if action := asked(call):
            place = (action, call.on)
            wanted[place] = wanted.get(place, False) or call.need is Need.ALWAYS
    assert {(call.action, call.on): not call.case for call in KEY_CALLS.get(verb, ())} == wanted
