"""Words and types in a file of servers that the Transfer API has not."""

from pathlib import Path

import pytest
from tests.fakes.models import service_model

from crossdock.app.declared_words import wrong_user_words, wrong_words
from crossdock.settings.servers_file import parse_servers_file


def wrong(text: str) -> list[str]:
    head = '[[server]]\nid = "s-0123456789abcdef0"\naccount = "hub"\n'
    (server,) = parse_servers_file(head + text, Path("servers.toml"))
    model = service_model("transfer")
    return [
        *wrong_words(model, server),
        *(words for user in server.users or () for words in wrong_user_words(model, user)),
    ]


def setting(line: str) -> list[str]:
    return wrong(f"[server.settings]\n{line}\n")


def user(line: str) -> list[str]:
    return wrong(f'[[server.users]]\nUserName = "user1"\n{line}\n')


@pytest.mark.parametrize(
    ("line", "word", "meant"),
    [
        ('IdentityProviderTyp = "AWS_LAMBDA"', "IdentityProviderTyp", "IdentityProviderType"),
        ('protocols = ["SFTP"]', "protocols", "Protocols"),
        ('IdentityProviderDetails = { Funktion = "x" }', "IdentityProviderDetails.Funktion", "Function"),
        ('WorkflowDetails = { OnUpload = [{ Role = "x" }] }', "WorkflowDetails.OnUpload[0].Role", "ExecutionRole"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(line: str, word: str, meant: str):
    (sentence,) = setting(line)
    assert sentence.startswith(f"[server.settings] has {word}, which is no name there: ")
    assert meant in sentence


@pytest.mark.parametrize(
    ("line", "word", "meant"),
    [("Home = 'x'", "Home", "HomeDirectory"), ("SshPublicKey = 'x'", "SshPublicKey", "SshPublicKeys")],
)
def test_of_a_user_they_are_told_too(line: str, word: str, meant: str):
    assert user(line) == [f"[[server.users]] has {word}, which is no name there: perhaps {meant} is meant"]


def test_where_nothing_is_near_all_names_are_told_that_the_file_may_have():
    (sentence,) = setting("Xyzzy = 1")
    assert "there are Certificate, Domain, EndpointDetails" in sentence
    assert "HostKey" not in sentence


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("EndpointDetails = { VpcId = 5 }", "EndpointDetails.VpcId, which must be a text"),
        ("EndpointDetails = 5", "EndpointDetails, which must be a table"),
        ("Protocols = 'SFTP'", "Protocols, which must be a list"),
        ("Protocols = ['SFTP', 5]", "Protocols[1], which must be a text"),
        ("Domain = 2026-01-01", "Domain, which must be a text"),
    ],
)
def test_a_value_of_another_type_is_told(line: str, sentence: str):
    assert setting(line) == [f"[server.settings] has {sentence}"]


def test_numbers_are_no_truth_values():
    (sentence,) = user("PosixProfile = { Uid = true, Gid = 5 }")
    assert sentence == "[[server.users]] has PosixProfile.Uid, which must be a whole number"


def test_several_are_told_at_once_and_what_is_right_is_not():
    text = """
        [server.settings]
        Protocol = ["FTP"]
        EndpointType = "VPC"
        EndpointDetails = { VpcId = 5, SubnetIds = ["subnet-0a"] }
        Tags = { team = "red" }
        [[server.users]]
        UserName = "user1"
        Role = "role"
        SshPublicKeys = ["ssh-ed25519 AAAA"]
        Tags = [{ Key = "a", Value = "b" }]
        HomeDirectoryMappings = [{ Entry = "/", Target = "/bucket" }]
        PosixProfile = { Uid = 0, Gid = 0 }
    """
    assert len(wrong(text)) == 2
