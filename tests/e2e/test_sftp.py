"""SFTP in a real service beyond what all clients do: what is refused and how it reads, restarts, changes of keys."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.clients import WITH_FUSE
from tests.e2e.harness import COMMAND_S, run, start_service, until
from tests.e2e.jetty import BUCKET, Jetty, arrive, make_home, scan
from tests.e2e.openssh_clients import LftpSsh, Sftp, Sshfs, login, openssh
from tests.e2e.own_ssh_clients import Rclone
from tests.e2e.quay import Quay, open_quay

from crossdock.core.security_policies import SECURITY_POLICIES

DEFAULT_POLICY = "TransferSecurityPolicy-2024-01"
BANNER = "Who is not expected\nis not wanted.\n"
MIB = 1 << 20


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    variables = {"CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0"}
    with open_quay(tmp_path_factory.mktemp("quay"), variables=variables, with_sftp=True) as running:
        yield running


@pytest.fixture
def managed(quay: Quay, tmp_path: Path) -> Sftp:
    return Sftp(quay.jetties["managed"], tmp_path)


@pytest.fixture(params=["managed", "asking"])
def sftp(quay: Quay, tmp_path: Path, request: pytest.FixtureRequest) -> Sftp:
    return Sftp(quay.jetties[request.param], tmp_path)


def ssh(jetty: Jetty, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["ssh", *jetty.options, "-p", str(jetty.port), *arguments],
        env=jetty.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def test_files_and_directories_come_and_go(quay: Quay, sftp: Sftp, tmp_path: Path) -> None:
    content = os.urandom(20 * MIB)
    (tmp_path / "up").write_bytes(content)
    folder = tmp_path.name
    done = sftp.obey(
        f"mkdir {folder}",
        f"cd {folder}",
        f"put {tmp_path}/up first",
        "mkdir d",
        "ls -l",
        "rename first second",
        f"get second {tmp_path}/down",
    )
    assert "20971520" in done.stdout
    assert (tmp_path / "down").read_bytes() == content
    assert quay.content(f"{folder}/second") == content
    sftp.obey(f"rm {folder}/second", f"rmdir {folder}/d", f"rmdir {folder}")
    assert quay.keys(folder) == []


def test_a_listing_shows_what_aws_shows(quay: Quay, managed: Sftp) -> None:
    folder = managed.cwd.name
    quay.put(f"{folder}/sub/", b"")
    quay.put(f"{folder}/file", b"1234")
    lines = managed.obey(f"@cd {folder}", "@ls -la").stdout.splitlines()
    shown = [(line.split()[:5], line.split()[-1]) for line in lines]
    directory = ["drwxr--r--", "1", "-", "-", "0"]
    file = ["-rwxr--r--", "1", "-", "-", "4"]
    assert shown == [(directory, "."), (directory, ".."), (file, "file"), (directory, "sub")]


def test_there_is_room_enough(managed: Sftp) -> None:
    lines = managed.obey("@df", "@df -h", "@df -i").stdout.splitlines()
    assert lines[1].split()[-1] == "0%"
    assert lines[3].split()[0] == "1.0PB"


REFUSED = {
    "get nothing": 'File "{home}/nothing" not found',
    "rm nothing": "remote delete {home}/nothing: No such file or directory",
    "rm sub": "remote delete {home}/sub: No such file or directory",
    "rename nothing other": "No such file or directory",
    "cd nothing": "No such file or directory",
    "cd file": "is not a directory",
    "mkdir sub": 'remote mkdir "{home}/sub": Failure',
    "rmdir sub": 'remote rmdir "{home}/sub": Failure',
    "rmdir nothing": "No such file or directory",
    "rename sub other": "Operation unsupported",
    "ln -s file link": "Operation unsupported",
    "ln file link": "does not support hardlink@openssh.com",
    "chmod 600 file": "Operation unsupported",
    "cp file copy": "does not support copy-data",
    "ls /elsewhere": 'Can\'t ls: "/elsewhere" not found',
    "put {local} /elsewhere/file": 'dest open "/elsewhere/file": No such file or directory',
    "reput {local} file": 'dest open "{home}/file": Operation unsupported',
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_refused_is_told_and_does_nothing(quay: Quay, managed: Sftp, command: str) -> None:
    folder = managed.cwd.name
    for name, content in {"sub/inner": b"inner", "file": b"1234"}.items():
        quay.put(f"{folder}/{name}", content)
    (managed.cwd / "long").write_bytes(b"longer")
    done = managed.obey(f"cd {folder}", command.format(local=managed.cwd / "long"), check=False)
    assert done.returncode == 1
    assert REFUSED[command].format(home=f"/hub-inbox-111111111111/{folder}") in done.stderr
    assert {key: quay.content(key) for key in quay.keys(f"{folder}/")} == {
        f"{folder}/file": b"1234",
        f"{folder}/sub/inner": b"inner",
    }


def test_other_clients_read_whole_sentences(quay: Quay, tmp_path: Path) -> None:
    lftp = LftpSsh(quay.jetties["asking"], tmp_path)
    for name in ("file", "other", "sub/inner"):
        quay.put(f"{tmp_path.name}/{name}", b"1234")
    for command, answer in {
        "mv file other": "File already exists",
        "rmdir sub": "Directory not empty",
        "chmod 600 file": "Attributes cannot be set: SetStatOption ENABLE_NO_OP ignores this",
    }.items():
        with pytest.raises(AssertionError, match=answer):
            lftp.obey(f"cd {tmp_path.name}; {command}")


def test_a_tree_is_kept_in_step_once_the_server_ignores_attributes(quay: Quay, tmp_path: Path) -> None:
    """Transfer refuses times until SetStatOption says otherwise, which stops what sets them."""
    rclone = Rclone(quay.jetties["managed"], tmp_path)
    tree, folder = tmp_path / "tree", tmp_path.name
    (tree / "sub").mkdir(parents=True)
    for name in ("one", "sub/two", "sub/three"):
        (tree / name).write_text(name)
    sync = ("sync", "--ignore-times", str(tree), rclone.remote(folder))
    refused = rclone.obey(*sync, sets_times=True, check=False)
    assert refused.returncode == 1
    assert "SetStatOption ENABLE_NO_OP" in refused.stderr

    def set_option(value: str) -> None:
        details = {"SetStatOption": value}
        quay.service.client("hub", "transfer").update_server(ServerId=rclone.jetty.server_id, ProtocolDetails=details)

    set_option("ENABLE_NO_OP")
    try:
        rclone.obey(*sync, sets_times=True)
        (tree / "one").write_text("changed")
        (tree / "sub" / "two").unlink()
        rclone.obey(*sync, sets_times=True)
        files = [key for key in quay.keys(folder) if not key.endswith("/")]
        assert {key: quay.content(key) for key in files} == {
            f"{folder}/one": b"changed",
            f"{folder}/sub/three": b"sub/three",
        }
        Sftp(rclone.jetty, tmp_path).obey(f"chmod 600 {folder}/one", f"put -p {tree}/one {folder}/kept")
    finally:
        set_option("DEFAULT")


@WITH_FUSE
def test_who_changes_a_mounted_file_in_place_hears_that_it_was_not_done(quay: Quay, tmp_path: Path) -> None:
    quay.put(tmp_path.name, b"as it was")
    with Sshfs(quay.jetties["managed"], tmp_path).mounted() as root:
        file = root / tmp_path.name

        def write(mode: str, offset: int) -> None:
            with file.open(mode, buffering=0) as opened:
                opened.seek(offset)
                opened.write(b"x")

        for mode, offset in (("r+b", 3), ("ab", 0)):
            with pytest.raises(OSError, match=r"Input/output error|not supported"):
                write(mode, offset)
    assert quay.content(tmp_path.name) == b"as it was"


def test_openssh_can_use_whatever_the_policy_offers(quay: Quay, managed: Sftp) -> None:
    policy = SECURITY_POLICIES[DEFAULT_POLICY]
    quay.put(f"{managed.cwd.name}/file", b"")
    for option, query, names in (
        ("KexAlgorithms", "kex", policy.ssh_kexs),
        ("Ciphers", "cipher", policy.ssh_ciphers),
        ("MACs", "mac", policy.ssh_macs),
        (
            "HostKeyAlgorithms",
            "HostKeyAlgorithms",
            ("rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256", "ssh-ed25519"),
        ),
    ):
        known = run(["ssh", "-Q", query]).stdout.split()
        usable = [name for name in names if name in known]
        assert usable
        for name in usable:
            # A cipher that needs no MAC would hide it.
            options = ("-o", f"{option}={name}", *(("-c", "aes128-ctr") if query == "mac" else ()))
            done = managed.obey(f"@ls -1 {managed.cwd.name}", options=options)
            assert done.stdout == f"{managed.cwd.name}/file\n", name


def test_a_copy_onto_itself_by_scp_leaves_the_file(quay: Quay, tmp_path: Path) -> None:
    """Through this computer, by two connections: what is read is the version that was opened."""
    jetty = quay.jetties["managed"]
    content = os.urandom(3 * MIB)
    quay.put(tmp_path.name, content)
    place = f"{login(jetty)}:{tmp_path.name}"
    openssh(jetty, "scp", "-s", "-3", place, place)
    assert quay.content(tmp_path.name) == content


def test_who_may_only_put_replaces_files_by_sftp_and_scp(quay: Quay, tmp_path: Path) -> None:
    """scp does not empty a file first: it says where the new one ends."""
    jetty, transfer = quay.jetties["managed"], quay.service.client("hub", "transfer")
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    transfer.update_user(ServerId=jetty.server_id, UserName=jetty.user, Policy=policy)
    try:
        for number, size in enumerate((3 * MIB, 10, 0)):
            content = os.urandom(size)
            (tmp_path / "up").write_bytes(content)
            for name in (f"{tmp_path.name}-scp", f"{tmp_path.name}-new-{number}"):
                done = openssh(jetty, "scp", "-s", str(tmp_path / "up"), f"{login(jetty)}:{name}")
                assert (done.stderr, quay.content(name)) == ("", content)
            Sftp(jetty, tmp_path).obey(f"put {tmp_path}/up {tmp_path.name}-sftp")
            assert quay.content(f"{tmp_path.name}-sftp") == content
    finally:
        transfer.update_user(ServerId=jetty.server_id, UserName=jetty.user, Policy="")


def test_the_banner_is_shown_before_the_login(quay: Quay, tmp_path: Path) -> None:
    jetty = quay.jetties["asking"]
    transfer = quay.service.client("hub", "transfer")
    transfer.update_server(ServerId=jetty.server_id, PreAuthenticationLoginBanner=BANNER)
    try:
        wrong = replace(jetty, password="not-the-password")
        said = until(
            "the banner is there", lambda: (done := ssh(wrong, "-T", login(jetty))).stderr.count(BANNER) and done
        )
        assert said.stderr == f"{BANNER}{login(jetty)}: Permission denied (publickey,password).\n"
    finally:
        transfer.update_server(ServerId=jetty.server_id, PreAuthenticationLoginBanner="")


@pytest.mark.parametrize("arguments", [(), ("id",), ("-s", "nosuch"), ("-tt",)])
def test_a_shell_and_a_command_are_refused(quay: Quay, arguments: tuple[str, ...]) -> None:
    jetty = quay.jetties["managed"]
    options = [word for word in arguments if word.startswith("-")]
    done = ssh(jetty, *options, login(jetty), *(word for word in arguments if word not in options))
    assert done.returncode == 255
    assert "request failed on channel 0" in done.stderr
    assert done.stdout == ""


def test_the_old_protocol_of_scp_is_refused(quay: Quay, tmp_path: Path) -> None:
    jetty = quay.jetties["managed"]
    (tmp_path / "file").write_bytes(b"1234")
    done = openssh(jetty, "scp", "-O", str(tmp_path / "file"), f"{login(jetty)}:{tmp_path.name}", check=False)
    assert done.returncode == 1
    assert quay.keys(tmp_path.name) == []


def test_ports_are_forwarded_neither_way(quay: Quay) -> None:
    jetty = quay.jetties["managed"]
    there = ssh(jetty, "-W", f"{jetty.host}:{jetty.port}", login(jetty))
    assert there.returncode == 255
    assert "open failed: administratively prohibited" in there.stderr
    back = ssh(jetty, "-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:localhost:1", login(jetty))
    assert back.returncode == 255
    assert "remote port forwarding failed" in back.stderr


def test_a_restart_keeps_the_host_keys_and_the_port(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with start_service(tmp_path / "data") as service:
        server = service.client("hub", "transfer").create_server(
            Protocols=["SFTP"], IdentityProviderType="SERVICE_MANAGED"
        )["ServerId"]
        jetty = arrive(service, server, home)
        before = scan(jetty)
    with start_service(tmp_path / "data") as service:
        assert service.sftp_endpoint(server) == (jetty.host, jetty.port)
        assert scan(jetty) == before
    kinds = {line.split()[1] for line in before.splitlines()}
    assert kinds == {"ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519"}


@pytest.mark.parametrize("cipher", ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr"])
def test_a_file_is_whole_though_keys_change_all_the_while(managed: Sftp, cipher: str) -> None:
    content = os.urandom((40 << 20) + 4321)
    (managed.cwd / "large").write_bytes(content)
    managed.obey(
        f"put {managed.cwd}/large large",
        f"get large {managed.cwd}/back",
        "rm large",
        options=("-o", "RekeyLimit=1M", "-c", cipher),
    )
    assert (managed.cwd / "back").read_bytes() == content
