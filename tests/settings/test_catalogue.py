"""What is said of every setting."""

import tomllib

from crossdock.settings import setting_rows

ROWS = list(setting_rows())


def test_every_setting_has_a_meaning_that_is_a_sentence():
    for row in ROWS:
        assert row.meaning.endswith("."), row
        assert len(row.meaning.split()) >= 3, row


def test_every_variable_is_one_setting():
    variables = [row.variable for row in ROWS]
    assert len(set(variables)) == len(variables)
    assert "CROSSDOCK_FTP_PORT" in variables
    assert "CROSSDOCK_LAMBDA_PROCESSES" in variables


def test_every_number_has_limits_and_lies_within_them():
    numbers = [row for row in ROWS if row.default.replace(".", "").isdecimal()]
    assert len(numbers) > 15
    for row in numbers:
        assert row.low is not None, row
        assert row.high is not None, row
        assert row.low <= float(row.default) <= row.high, row


def test_no_section_sprawls():
    for section in {row.section for row in ROWS}:
        assert sum(row.section == section for row in ROWS) <= 25


def test_defaults_are_written_as_a_file_would():
    for row in ROWS:
        if row.default:
            assert tomllib.loads(f"value = {row.default}")
