"""Where statements stand in the text of a policy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.cloud.iam.statement_spans import Position, Span, statement_spans


def span(start: tuple[int, int], end: tuple[int, int]) -> Span:
    return Span(
        start=Position(line=start[0], column=start[1]),
        end=Position(line=end[0], column=end[1]),
    )


def test_the_sample_of_aws_s_reference():
    """API_SimulateCustomPolicy: from line 3, column 16 to line 7, column 4."""
    text = """{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::example_bucket"
  }
}"""
    assert statement_spans(text) == (span((3, 16), (7, 4)),)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ('{"Statement":[{},{}]}', [span((1, 15), (1, 17)), span((1, 18), (1, 20))]),
        ('{"Statement": [ {} ] , "Id":"x"}', [span((1, 17), (1, 19))]),
        ('\n{ "Id" : "[{" ,\r\n\t"Statement" : [\r\n{}\r\n,{\n}]}', [span((4, 1), (4, 3)), span((5, 2), (6, 2))]),
        ('{"Statement":{"Sid":"{\\"Statement\\":[]}"},"Version":"2012-10-17"}', [span((1, 14), (1, 42))]),
        ('{"Version":"2012-10-17"}', []),
        ("{}", []),
    ],
)
def test_a_span_goes_from_brace_to_brace(text: str, spans: list[Span]):
    json.loads(text)
    assert list(statement_spans(text)) == spans


_VALUES = st.recursive(
    st.text(max_size=4) | st.integers() | st.booleans(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
_STATEMENTS = st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), max_size=4)


@given(statements=_STATEMENTS, indent=st.none() | st.integers(0, 3), before=st.text(max_size=4), after=_VALUES)
def test_what_stands_at_a_span_is_the_statement(statements, indent, before, after):
    text = json.dumps({f"A{before}": before, "Statement": statements, f"Z{before}": after}, indent=indent)
    lines = text.split("\n")

    def cut(found: Span) -> str:
        start, end = found.start, found.end
        chosen = lines[start.line - 1 : end.line]
        chosen[-1] = chosen[-1][: end.column - 1]
        chosen[0] = chosen[0][start.column - 1 :]
        return "\n".join(chosen)

    assert [json.loads(cut(found)) for found in statement_spans(text)] == statements
