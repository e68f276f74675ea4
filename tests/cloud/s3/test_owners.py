"""Owners as S3 shows them."""

import re

from crossdock.cloud.s3.owners import canonical_id, owner_of


def test_a_canonical_id_is_64_hex_digits_and_hides_the_account():
    assert re.fullmatch(r"[0-9a-f]{64}", canonical_id("111111111111"))
    assert "111111111111" not in canonical_id("111111111111")
    assert canonical_id("111111111111") != canonical_id("222222222222")
    assert owner_of("111111111111") == {"ID": canonical_id("111111111111")}
