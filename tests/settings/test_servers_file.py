"""The file of declared servers: what it says, and what is said of one that cannot be meant."""

from pathlib import Path

import pytest

from crossdock.settings import BadSetting
from crossdock.settings.servers_file import DeclaredServer, DeclaredUser, parse_servers_file, read_servers_file

ID = "s-0123456789abcdef0"
PATH = Path("/etc/crossdock/servers.toml")
HEAD = f'[[server]]\nid = "{ID}"\naccount = "hub"\n'


def test_a_server_with_all_that_it_may_have():
    text = (
        HEAD
        + """
        region = "eu-central-1"
        host_keys = ["keys/ed25519", "/etc/ssh/rsa", "secretsmanager:arn:aws:secretsmanager:eu-central-1:1:secret:k"]
        certificate = ["secretsmanager:chain", "secretsmanager:key"]
        [server.settings]
        Protocols = ["SFTP"]
        Tags = { team = "red" }
        [[server.users]]
        UserName = "user1"
        Role = "arn:aws:iam::222222222222:role/drop"
        SshPublicKeys = ["ssh-ed25519 AAAA"]
        [[server.users]]
        UserName = "user2"
        """
    )
    assert parse_servers_file(text, PATH) == (
        DeclaredServer(
            server_id=ID,
            account="hub",
            region="eu-central-1",
            settings={"Protocols": ["SFTP"]},
            tags={"team": "red", "crossdock:server-id": ID},
            host_keys=(
                "/etc/crossdock/keys/ed25519",
                "/etc/ssh/rsa",
                "secretsmanager:arn:aws:secretsmanager:eu-central-1:1:secret:k",
            ),
            certificate=("secretsmanager:chain", "secretsmanager:key"),
            users=(
                DeclaredUser(
                    name="user1",
                    settings={"Role": "arn:aws:iam::222222222222:role/drop"},
                    public_keys=("ssh-ed25519 AAAA",),
                ),
                DeclaredUser(name="user2", settings={}),
            ),
        ),
    )


def test_one_that_says_little_leaves_the_rest_alone():
    (server,) = parse_servers_file(HEAD, PATH)
    assert (server.settings, server.users, server.host_keys, server.region) == ({}, None, (), "")
    assert server.certificate == ()
    assert parse_servers_file("", PATH) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[server]\n", "is not valid TOML"),
        ("[servers]\n", r"'servers' is unknown: write \[\[server\]\]"),
        ("[server]\n", r"write \[\[server\]\] for each"),
        ('[[server]]\naccount = "hub"\n', "id must be s- and 17 hex digits"),
        ('[[server]]\nid = "s-1"\naccount = "hub"\n', "server 's-1': id must be"),
        (f'[[server]]\nid = "{ID}"\n', "account is missing"),
        (
            HEAD + 'protocols = ["SFTP"]\n',
            "'protocols' is none of account, certificate, host_keys, id, region, settings, users",
        ),
        (HEAD + "[server.settings]\nHostKey = 'x'\n", "HostKey is not a setting here"),
        (HEAD + "[server.settings]\nTags = ['x']\n", "Tags must be a table of texts"),
        (HEAD + "host_keys = 'x'\n", "host_keys must be a list of texts"),
        (HEAD + "certificate = 'secretsmanager:x'\n", "certificate must be a list of texts"),
        (HEAD + "certificate = []\n", "certificate has one secret, with chain and key, or two"),
        (HEAD + "certificate = ['secretsmanager:x', 'y', 'z']\n", "certificate has one secret"),
        (
            HEAD + "certificate = ['secretsmanager:x', 'key.pem']\n",
            r"and key\.pem is none: files are named in \[ftps\.",
        ),
        (
            HEAD + "certificate = ['secretsmanager:x']\n[server.settings]\nCertificate = 'arn'\n",
            "certificate takes the place of Certificate in its settings",
        ),
        (HEAD + "users = ['x']\n", r"write \[\[users\]\] for each"),
        (HEAD + "[[server.users]]\nRole = 'x'\n", "a user: UserName is missing"),
        (
            HEAD + "[[server.users]]\nUserName = 'u'\nSshPublicKeyBody = 'x'\n",
            "user u: SshPublicKeyBody is not for here",
        ),
        (HEAD + "[[server.users]]\nUserName = 'u'\n[[server.users]]\nUserName = 'u'\n", "the user u is there twice"),
        (HEAD + HEAD, f"the server {ID} is there twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_place(text, sentence):
    with pytest.raises(BadSetting, match=sentence) as refused:
        parse_servers_file(text, PATH)
    assert str(PATH) in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(BadSetting, match=r"^cannot read .*servers\.toml: No such file or directory$"):
        read_servers_file(tmp_path / "servers.toml")
    (tmp_path / "servers.toml").write_bytes(b"\xff")
    with pytest.raises(BadSetting, match=r"^cannot read .*servers\.toml: it is no text in UTF-8$"):
        read_servers_file(tmp_path / "servers.toml")
    (tmp_path / "servers.toml").write_text(HEAD)
    assert [server.server_id for server in read_servers_file(tmp_path / "servers.toml")] == [ID]
