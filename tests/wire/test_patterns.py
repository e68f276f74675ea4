import pytest
from tests.fakes.aws_models import model_of

from crossdock.wire.patterns import MAX_BACKTRACKED_CHARS, compile_pattern, matches_pattern

SERVICES = [
    "sts",
    "iam",
    "secretsmanager",
    "lambda",
    "cloudformation",
    "logs",
    "transfer",
    "ec2",
    "acm",
    "organizations",
    "ssm",
]
TAGS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"


def patterns_of(service):
    model = model_of(service)
    shapes = (model.shape_for(name) for name in model.shape_names)
    return {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_models_is_translated(service):
    for pattern in patterns_of(service):
        assert compile_pattern(pattern)[0] is not None, pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("s-([0-9a-f]{17})", "s-0123456789abcdef0", True),
        ("s-([0-9a-f]{17})", "s-0123456789abcdef0 ", False),
        ("s-([0-9a-f]{17})", "xs-0123456789abcdef0", False),
        ("^[0-9]{12}$", "111111111111", True),
        ("^[0-9]{12}$", "111111111111\n", False),
        # Java's classes are ASCII.
        ("[\\w]*", "é", False),
        ("\\d+", "１", False),
        # Java's dot stops at more line ends than Python's.
        (".*", "a\rb", False),
        (".*", "a\u2028b", False),
        (".*", "a b", True),
        ("[.]*", "...", True),
        # A hyphen beside a class is itself.
        ("[\\w-_]*", "a-b_c", True),
        ("[\\w- ]*", "a-b c", True),
        ("[+-\\d]*", "+-5", True),
        ("[^\\w-]*", "?!", True),
        ("[^\\w-]*", "-", False),
        # Properties.
        (TAGS, "Größe äπ 5/½ @home", True),
        (TAGS, "no?", False),
        (TAGS, "a\tb", False),
        ("\\p{L}+", "éπ", True),
        ("\\p{L}+", "5", False),
        ("\\pL+", "é", True),
        ("\\P{L}+", "5?", True),
        ("\\P{L}+", "a", False),
        ("\\p{IsL}+", "a", True),
        ("\\p{Nd}", "٣", True),
        ("[\\p{Print}]*", "abc ~", True),
        ("[\\p{Print}]*", "é", False),
        ("[\\P{M}\\p{M}]*", "e\u0301\U0010ffff\U000e0100", True),
        ("\\p{Alpha}\\p{Digit}", "a5", True),
        ("\\u0041[\\u0042-\\u0043]", "AC", True),
    ],
)
def test_patterns_mean_what_java_means_by_them(pattern, text, matches):
    assert matches_pattern(pattern, text) is matches


@pytest.mark.parametrize(
    "pattern", ["[a-z&&[^x]]", "\\Qa.b\\E", "[a[b]]", "[a", "\\p{Greek}+", "\\P{Alpha}", "(", "\\R"]
)
def test_what_cannot_be_translated_asks_for_nothing(pattern):
    assert matches_pattern(pattern, "anything at all")


def test_long_texts_match_only_patterns_that_cannot_backtrack():
    long = "a" * (MAX_BACKTRACKED_CHARS + 1)
    assert matches_pattern("[a-z]*", long)
    assert matches_pattern("^[a-z]{1,100000}$", long)
    assert matches_pattern(".+", long)
    assert not matches_pattern("(a|b)*", long)
    assert matches_pattern("(a|b)*", long[:-1])
    assert not matches_pattern("[a-z]*", long + "!")
