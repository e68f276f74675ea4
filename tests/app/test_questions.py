"""What a question of `explain` has to have; `test_explain.py` asks whole ones."""

import pytest

from crossdock.app.questions import BadQuestion, given_identity, read_question, text_in
from crossdock.core.homes import PathHome
from crossdock.core.ids import ServerId
from crossdock.core.logins import Password
from crossdock.core.servers import FileProtocol

ROLE = "arn:aws:iam::111111111111:role/files"
ASKED = {"userName": "user1", "command": "put", "path": "a.csv"}
SERVER = ServerId("s-0123456789abcdef0")


def test_a_question_is_read_with_what_it_leaves_out() -> None:
    question = read_question(ASKED, SERVER, None)
    assert (question.username, question.command, question.path, question.target) == ("user1", "put", "a.csv", "")
    assert (question.protocol, question.source_ip, question.password) == (None, "127.0.0.1", None)
    more = {"protocol": "ftps", "sourceIp": "2001:DB8::1", "password": ""}
    question = read_question({**ASKED, **more}, SERVER, None)
    assert (question.protocol, question.source_ip) == (FileProtocol.FTPS, "2001:db8::1")
    assert question.password == Password("")


def test_an_identity_is_there_or_not() -> None:
    assert given_identity(ASKED, "user1") is None
    found = given_identity({**ASKED, "identity": {"Role": ROLE, "HomeDirectory": "/box"}}, "user1")
    assert found is not None
    assert (found.role_arn, found.home) == (ROLE, PathHome(root="/box"))
    with pytest.raises(BadQuestion, match="the identity cannot be used"):
        given_identity({**ASKED, "identity": None}, "user1")


def test_a_member_that_must_be_there_is_named() -> None:
    with pytest.raises(BadQuestion, match="the question has no path"):
        text_in({**ASKED, "path": ""}, "path")
