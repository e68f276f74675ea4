"""What a script may rely on when it starts, asks and ends a service."""

import json
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from ftplib import FTP, error_perm, error_temp
from pathlib import Path
from urllib.error import HTTPError

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.e2e.harness import CLEAN, COMMAND_S, FREE_PORTS, HOST, Service, refused_start, run, start_service, until
from tests.e2e.leftovers import descendants

from crossdock.core.ports_text import format_ports

FUNCTION = "arn:aws:lambda:us-east-1:111111111111:function:nobody"
KEYS = ("serverId", "accountId", "region", "state", "protocol", "host", "port", "passivePorts", "ingress")
VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
HUB_SECRET = secrets.token_hex(20)
COMMAND = Path(sys.executable).with_name("crossdock")


def how_to_begin(program: str, option: str) -> list[str]:
    return [
        f"there is no Transfer server yet: make one with `{program} exec {option}hub -- aws transfer create-server …`,",
        f"or start with a complete example: {program} serve {option}--example article",
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Service:
    """A service for those that only ask it."""
    with start_service(tmp_path_factory.mktemp("start") / "data") as service:
        yield service


@pytest.fixture
def article(tmp_path) -> Service:
    given = {"CROSSDOCK_KEYS": f"hub=AKIAHUB0000000000000:{HUB_SECRET}"}
    with start_service(tmp_path / "data", "--example", "article", variables=given) as service:
        yield service


def create_ftp_server(service, **more) -> str:
    created = service.client("hub", "transfer").create_server(
        Protocols=["FTP"],
        EndpointType="VPC",
        EndpointDetails={"VpcId": "vpc-0abc", "SubnetIds": ["subnet-0abc"]},
        IdentityProviderType="AWS_LAMBDA",
        IdentityProviderDetails={"Function": FUNCTION},
        **more,
    )
    return created["ServerId"]


def endpoints(service, *arguments: str) -> list[dict]:
    return json.loads(service.crossdock("endpoints", *arguments, "-o", "json").stdout)


def state_of(service, server_id: str) -> str:
    return service.client("hub", "transfer").describe_server(ServerId=server_id)["Server"]["State"]


def page(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def greeting(host: str, port: int) -> str:
    """The first line that a server says, empty when there is none."""
    try:
        with socket.create_connection((host, port), timeout=10) as connection:
            return connection.makefile().readline()
    except ConnectionError:
        return ""


def command_lines(service) -> str:
    """The command lines of every process of this machine, as `ps` shows them to everybody."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    assert any(str(service.data_dir) in line for line in lines)
    return "\n".join(lines)


# What it says


def test_a_fresh_service_says_what_is_ready_and_how_to_begin(tmp_path):
    began = time.monotonic()
    with start_service(tmp_path / "data") as service:
        print(f"ready after {time.monotonic() - began:.2f} s")
        api, *rest = service.said
        assert re.fullmatch(rf"ready api http://{re.escape(HOST)}:[0-9]+", api)
        assert rest == [*how_to_begin("crossdock", f"--data-dir {service.data_dir} "), "crossdock ready"]
        assert page(f"{service.api_url}/livez") == page(f"{service.api_url}/readyz") == (200, "ok\n")
        assert endpoints(service) == []
        assert service.stop() == 0
    for line in service.log().splitlines():
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


def test_a_hint_names_a_command_that_works_as_it_is_printed(tmp_path):
    """The command is not on the path, as with `make serve`, and the directory is the default."""
    log = (tmp_path / "service.log").open("w")
    process = subprocess.Popen(
        [COMMAND, "serve", *FREE_PORTS, "--account", "press=333333333333"],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=tmp_path,
        env={**CLEAN, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    with process, log:
        _, *said = [process.stdout.readline().rstrip() for _ in range(4)]
        assert said == [*how_to_begin(str(COMMAND), ""), "crossdock ready"]
        given = re.search("`(.*) aws transfer create-server …`", said[0])[1]
        asked = subprocess.run(
            f"{given} env", shell=True, check=True, capture_output=True, text=True, cwd=tmp_path, timeout=COMMAND_S
        )
        assert "AWS_ACCESS_KEY_ID=" in asked.stdout
        process.terminate()


def test_a_new_server_is_announced_and_every_source_agrees_on_its_address(running):
    server_id = create_ftp_server(running)
    host, port = running.ftp_endpoint(server_id)
    [endpoint] = endpoints(running, server_id)
    assert tuple(endpoint) == KEYS
    assert len(set(endpoint["passivePorts"])) == 9
    assert endpoint == {
        "serverId": server_id,
        "accountId": "111111111111",
        "region": "us-east-1",
        "state": "ONLINE",
        "protocol": "FTP",
        "host": HOST,
        "port": port,
        "passivePorts": endpoint["passivePorts"],
        "ingress": "unrestricted",
    }
    assert state_of(running, server_id) == "ONLINE"
    said = f"ready ftp {HOST}:{port} server={server_id} passive={format_ports(endpoint['passivePorts'])}"
    assert said in running.said
    assert greeting(host, port).startswith("220")
    row = running.crossdock("endpoints", server_id).stdout.splitlines()[1]
    assert row.split()[:6] == [server_id, "111111111111", "us-east-1", "FTP", "ONLINE", f"{host}:{port}"]


@dataclass(frozen=True, slots=True)
class Docked:
    """A directory whose service has two FTP servers, and was killed."""

    data_dir: Path
    api_url: str
    endpoints: list[dict]


@pytest.fixture(scope="module")
def docked(tmp_path_factory) -> Docked:
    with start_service(tmp_path_factory.mktemp("docked") / "data") as service:
        for _ in range(2):
            service.ftp_endpoint(create_ftp_server(service))
        found = Docked(service.data_dir, service.api_url, endpoints(service))
        service.kill()
        asked = service.crossdock("endpoints", check=False)
        assert asked.returncode == 1
        assert "no Crossdock service runs in" in asked.stderr
    return found


def test_ftp_opens_although_another_program_has_one_of_its_passive_ports_by_now(tmp_path):
    with start_service(tmp_path / "data") as service:
        server_id = create_ftp_server(service)
        service.ftp_endpoint(server_id)
        [before] = endpoints(service, server_id)
    taken, *kept = before["passivePorts"]
    with socket.create_server((HOST, taken)), start_service(tmp_path / "data") as service:
        [after] = endpoints(service, server_id)
        log = service.log()
    ports = set(after["passivePorts"])
    assert (after["state"], len(ports), taken in ports, set(kept) <= ports) == ("ONLINE", 9, False, True)
    [line] = [line for line in log.splitlines() if "passive ports are missing" in line]
    for words in (f"port {taken} on", server_id, "--passive-ports"):
        assert words in line


def test_ports_that_the_system_chose_are_kept_over_restarts(docked):
    servers = {endpoint["serverId"] for endpoint in docked.endpoints}
    assert len({endpoint["port"] for endpoint in docked.endpoints}) == len(servers) == 2
    for end in (Service.stop, Service.kill):
        with start_service(docked.data_dir) as service:
            assert service.api_url == docked.api_url
            lines = [line for line in service.said if line.startswith("ready ftp ")]
            assert set(re.findall(r"server=(\S+)", " ".join(lines))) == servers
            assert service.said[-1] == "crossdock ready"
            assert endpoints(service) == docked.endpoints
            end(service)


# What it refuses to start with


def test_a_second_service_on_the_same_directory_names_the_first(running):
    refused = refused_start(running.data_dir)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert f"is in use by process {running.process.pid} (" in refused.stderr
    assert "--data-dir" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert page(f"{running.api_url}/readyz")[0] == 200


def test_a_directory_of_a_newer_format_is_refused_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir(0o700)
    (tmp_path / "data" / "format").write_text("99\n")
    (tmp_path / "data" / "state.db").write_bytes(b"of tomorrow")
    refused = refused_start(tmp_path / "data")
    assert refused.returncode == 1
    assert "has format 99" in refused.stderr
    assert "newer Crossdock" in refused.stderr
    assert (tmp_path / "data" / "format").read_text() == "99\n"
    assert (tmp_path / "data" / "state.db").read_bytes() == b"of tomorrow"


def test_a_directory_that_lost_its_index_or_its_key_is_refused_and_left_alone(tmp_path):
    with start_service(tmp_path / "data") as service:
        service.client("hub", "s3").create_bucket(Bucket="some-bucket")
        service.client("hub", "s3").put_object(Bucket="some-bucket", Key="large", Body=bytes(1 << 20))
        assert service.stop() == 0
    for name in ("objects.db", "keys/sealing.key"):
        file = tmp_path / "data" / name
        file.rename(tmp_path / "elsewhere")
        refused = refused_start(tmp_path / "data")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert f"{file} is missing" in refused.stderr
        assert "Traceback" not in refused.stderr
        (tmp_path / "elsewhere").rename(file)
    with start_service(tmp_path / "data") as service:
        found = service.client("hub", "s3").get_object(Bucket="some-bucket", Key="large")
        assert found["Body"].read() == bytes(1 << 20)


def test_an_interpreter_that_is_not_there_ends_the_start(tmp_path):
    refused = refused_start(tmp_path / "data", variables={"CROSSDOCK_LAMBDA_RUNTIMES": "python3.11=/nonexist"})
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "lambda.runtimes: the interpreter of python3.11, /nonexist, does not exist" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_busy_api_port_is_named(tmp_path):
    with socket.socket() as busy:
        busy.bind((HOST, 0))
        busy.listen()
        port = busy.getsockname()[1]
        refused = refused_start(tmp_path / "data", "--api-port", str(port))
    assert refused.returncode == 1
    assert f"{HOST}:{port}" in refused.stderr
    assert "--api-port" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "nobody.invalid"])
def test_an_address_that_this_machine_has_not_is_refused_with_the_option_that_chooses_another(tmp_path, host):
    refused = refused_start(tmp_path / "data", "--host", host)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"cannot listen on {host}:0 for the AWS APIs" in refused.stderr
    assert refused.stderr.endswith("choose another with --host\n")
    assert "--api-port" not in refused.stderr


def test_an_account_keeps_its_id(tmp_path):
    with start_service(tmp_path / "data") as service:
        service.client("hub", "s3").create_bucket(Bucket="some-bucket")
    refused = refused_start(tmp_path / "data", "--account", "hub=444444444444")
    assert refused.returncode == 1
    assert "the account hub is 111111111111 in this data directory, not 444444444444" in refused.stderr
    assert "Traceback" not in refused.stderr
    renamed = {"CROSSDOCK_ACCOUNTS": "main=111111111111"}
    with start_service(tmp_path / "data", "--account", "other=444444444444", variables=renamed) as service:
        assert [bucket["Name"] for bucket in service.client("main", "s3").list_buckets()["Buckets"]] == ["some-bucket"]


def test_the_management_account_is_there_under_its_name_or_another_and_holds_nothing(tmp_path):
    with start_service(tmp_path / "data", "--account", "boss=000000000000") as service:
        assert service.client("boss", "sts").get_caller_identity()["Account"] == "000000000000"
        organizations = service.client("000000000000", "organizations")
        before = organizations.describe_organization()["Organization"]
        names = [account["Name"] for account in organizations.list_accounts()["Accounts"]]
        assert names == ["boss", "hub", "partner"]
        for refused in (
            lambda: service.client("boss", "s3").create_bucket(Bucket="some-bucket"),
            lambda: service.client("boss", "transfer").create_server(),
            lambda: service.client("boss", "cloudformation").create_stack(StackName="x", TemplateBody="{}"),
        ):
            with pytest.raises(ClientError, match="The management account 000000000000 holds nothing but"):
                refused()
    with start_service(tmp_path / "data") as service:
        organizations = service.client("management", "organizations")
        assert organizations.describe_organization()["Organization"]["Id"] == before["Id"]


def test_a_variable_that_is_no_setting_is_told_in_the_log_without_its_value(tmp_path):
    with start_service(tmp_path / "data", variables={"CROSSDOCK_FTP_TIMEOUT": "some-value"}) as service:
        service.stop()
    [told] = [json.loads(line) for line in service.log().splitlines() if "CROSSDOCK_" in line]
    assert told["level"] == "WARNING"
    assert told["nearest_settings"] == {"CROSSDOCK_FTP_TIMEOUT": "CROSSDOCK_FTP_IDLE_TIMEOUT_S"}
    assert "some-value" not in service.log()


def test_a_busy_ftp_port_fails_that_server_and_nothing_else(docked):
    [(taken, busy_port), (free, free_port)] = [
        (endpoint["serverId"], endpoint["port"]) for endpoint in docked.endpoints
    ]
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind((HOST, busy_port))
        busy.listen()
        with start_service(docked.data_dir) as service:
            assert (state_of(service, taken), state_of(service, free)) == ("START_FAILED", "ONLINE")
            assert greeting(HOST, free_port).startswith("220")
            failed = {endpoint["serverId"]: endpoint for endpoint in endpoints(service)}[taken]
            assert (failed["state"], failed["port"]) == ("START_FAILED", busy_port)
            sentence = service.crossdock("endpoints", taken).stdout
            assert f"port {busy_port} on {HOST} is in use by another program" in sentence
            busy.close()
            service.client("hub", "transfer").start_server(ServerId=taken)
            assert service.ftp_endpoint(taken) == (HOST, busy_port)


def test_a_server_beyond_loopback_opens_only_when_somebody_guards_it(running):
    pin = [{"Key": "crossdock:endpoint", "Value": "ftp=0.0.0.0:41999"}]
    server_id = create_ftp_server(running, Tags=pin)
    transfer, ec2 = running.client("hub", "transfer"), running.client("hub", "ec2")

    def refusal() -> str:
        until("the start has failed", lambda: state_of(running, server_id) == "START_FAILED")
        return running.crossdock("endpoints", server_id).stdout

    assert "allow_open_servers" in refusal()
    group = ec2.create_security_group(GroupName="office", Description="the office", VpcId="vpc-0a")["GroupId"]
    details = {"VpcId": "vpc-0a", "SubnetIds": ["subnet-0a"], "SecurityGroupIds": [group]}
    transfer.update_server(ServerId=server_id, EndpointDetails=details)
    until("only the public address stands in the way", lambda: "allow_public_ftp" in refusal())
    assert greeting("127.0.0.1", 41999) == ""
    transfer.delete_server(ServerId=server_id)


# The directory


def test_the_data_directory_is_closed_to_others_and_to_git(running):
    create_ftp_server(running)
    running.client("hub", "s3").create_bucket(Bucket="some-bucket")
    running.client("hub", "s3").put_object(Bucket="some-bucket", Key="k", Body=b"1")
    assert (running.data_dir / ".gitignore").read_text() == "*\n"
    # Functions run as users of their own, who must be able to read their code and to change nothing of it.
    shared = running.data_dir / "processes"
    open_ones = []
    for path in [running.data_dir, *running.data_dir.rglob("*")]:
        mode = path.lstat().st_mode
        closed = 0o022 if shared in path.parents or path.name == ".gitignore" else 0o077
        if stat.S_IMODE(mode) & closed:
            open_ones.append(f"{path.relative_to(running.data_dir.parent)} {stat.filemode(mode)}")
    assert open_ones == []


# What asks it


def crossdock(*arguments: str, **variables: str):
    """The command as a user's shell runs it."""
    return run([sys.executable, "-m", "crossdock", *arguments], environment={**CLEAN, **variables}, check=False)


def test_env_prints_what_a_shell_takes(running):
    first, *lines = running.crossdock("env", "partner").stdout.splitlines()
    assert first == "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE"
    assert [re.fullmatch(r"export ([A-Z_]+)='[^']+'", line)[1] for line in lines] == list(VARIABLES)
    assert running.crossdock("env", "222222222222").stdout.splitlines() == [first, *lines]
    caller = running.client("partner", "sts").get_caller_identity()
    assert caller["Arn"] == "arn:aws:iam::222222222222:user/crossdock-admin"
    script = f'eval "$({sys.executable} -m crossdock env partner --data-dir {running.data_dir})"; env'
    by_shell = run(["/bin/sh", "-c", script], environment={**CLEAN, "AWS_PROFILE": "other"}).stdout.splitlines()
    assert f"AWS_ENDPOINT_URL={running.api_url}" in by_shell
    assert f"AWS_ACCESS_KEY_ID={running.environment('partner')['AWS_ACCESS_KEY_ID']}" in by_shell
    assert not any(line.startswith("AWS_PROFILE") for line in by_shell)


def test_exec_runs_one_command_and_ends_as_it_ends(running):
    script = "echo $AWS_ENDPOINT_URL $AWS_REGION ${AWS_PROFILE-none} $OTHER; exit 7"
    arguments = ("exec", "hub", "--data-dir", str(running.data_dir), "--", "/bin/sh", "-c", script)
    done = crossdock(*arguments, AWS_PROFILE="other", OTHER="kept")
    assert (done.returncode, done.stdout) == (7, f"{running.api_url} us-east-1 none kept\n")
    by_variable = crossdock("exec", "hub", "true", CROSSDOCK_DATA_DIR=str(running.data_dir))
    assert by_variable.returncode == 0
    missing = crossdock("exec", "hub", "--data-dir", str(running.data_dir), "no-such-command")
    assert missing.returncode == 1
    assert "no-such-command" in missing.stderr


def test_exit_codes_tell_done_failed_and_bad_usage(running, tmp_path):
    assert re.fullmatch(r"crossdock [0-9.]+\S*\n", crossdock("--version").stdout)
    assert running.crossdock("endpoints", check=False).returncode == 0
    unknown = running.crossdock("env", "nobody", check=False)
    assert unknown.returncode == 1
    assert "hub=111111111111" in unknown.stderr
    for bad_usage in (["no-such-command"], ["env"], ["endpoints", "-o", "xml"], ["serve", "--ftp-port", "70000"]):
        assert crossdock(*bad_usage).returncode == 2, bad_usage
    for command in (["env", "hub"], ["endpoints"], ["exec", "hub", "true"]):
        nobody = crossdock(*command, CROSSDOCK_DATA_DIR=str(tmp_path / "nothing"))
        assert nobody.returncode == 1
        assert f"no Crossdock service runs in {tmp_path / 'nothing'}" in nobody.stderr
    assert not (tmp_path / "nothing").exists()


# Secrets


def test_given_keys_work_and_are_shown_to_nobody(tmp_path):
    """Keys, secrets and passwords are in no command line, no log line, and not readable on the disk."""
    hub_key, partner_key = secrets.token_hex(20), secrets.token_hex(20)
    value, variable = secrets.token_hex(20), secrets.token_hex(20)
    given = f"hub=AKIAHUB0000000000000:{hub_key},partner=AKIAPARTNER000000000:{partner_key}"
    with start_service(
        tmp_path / "data", variables={"CROSSDOCK_KEYS": given, "CROSSDOCK_LOGS_LEVEL": "DEBUG"}
    ) as service:
        client = boto3.session.Session().client(
            "sts",
            aws_access_key_id="AKIAPARTNER000000000",
            aws_secret_access_key=partner_key,
            region_name="us-east-1",
            endpoint_url=service.api_url,
        )
        assert client.get_caller_identity()["Account"] == "222222222222"
        assert service.environment("hub")["AWS_SECRET_ACCESS_KEY"] == hub_key
        manager = service.client("hub", "secretsmanager")
        manager.create_secret(Name="a", SecretString=json.dumps({"Password": value}))
        manager.put_secret_value(SecretId="a", SecretString=variable)
        for wrong in ("not-there", "a"):
            with pytest.raises(manager.exceptions.ClientError):
                manager.create_secret(Name=wrong, SecretString=value, KmsKeyId=value * 200)
        shown = command_lines(service)
        assert [text for text in (hub_key, partner_key, value, variable) if text in shown] == []
        service.stop()
    log = service.log()
    assert '"INFO"' in log
    assert [text for text in (hub_key, partner_key, value, variable) if text in log] == []
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    held = b"\n".join(path.read_bytes() for path in files)
    assert [text for text in (hub_key, partner_key, value, variable) if text.encode() in held] == []


def test_wrong_given_keys_are_refused_without_showing_them(tmp_path):
    secret = secrets.token_hex(20)
    refused = refused_start(tmp_path / "data", variables={"CROSSDOCK_KEYS": f"hub=short:{secret}"})
    assert refused.returncode == 1
    assert "access key id of hub" in refused.stderr
    assert secret not in refused.stderr


def everything_logged(service: Service) -> str:
    """The service's own log, and every log group of the hub."""
    logs = service.client("hub", "logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    events = [event for name in groups for event in logs.filter_log_events(logGroupName=name)["events"]]
    return "\n".join([service.log(), *(event["message"] for event in events)])


def test_a_users_password_is_in_no_log_and_a_given_key_in_no_functions_environment(article):
    """Of a login, a failed one, and an asked one: the events are there, what was typed is not."""
    service, user = article, password_of(article, "user1")
    wrong = secrets.token_hex(12)
    server_id = service.client("hub", "transfer").list_servers()["Servers"][0]["ServerId"]
    for password, is_admitted in ((user, True), (wrong, False)):
        with FTP(timeout=60) as ftp:
            ftp.connect(*service.ftp_endpoint(server_id))
            if is_admitted:
                ftp.login("user1", password)
            else:
                with pytest.raises(error_perm, match="530"):
                    ftp.login("user1", password)
        service.client("hub", "transfer").test_identity_provider(
            ServerId=server_id, UserName="user1", UserPassword=password, ServerProtocol="FTP"
        )
    until("the failure is logged", lambda: "AUTH_FAILURE" in everything_logged(service))
    logged = everything_logged(service)
    assert "CONNECTED" in logged
    assert "REPORT RequestId" in logged
    assert [text for text in (user, wrong, HUB_SECRET) if text in logged] == []
    functions = descendants(service.process.pid)
    assert any("ProviderFunction" in command for command in functions.values())
    for pid in functions:
        assert HUB_SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def password_of(service: Service, user: str) -> str:
    server_id = service.client("hub", "transfer").list_servers()["Servers"][0]["ServerId"]
    value = service.client("hub", "secretsmanager").get_secret_value(SecretId=f"aws/transfer/{server_id}/{user}")
    return json.loads(value["SecretString"])["Password"]


# How it ends


def test_transfers_may_finish_when_it_is_told_to_end(article):
    """The upload that is under way gets its 226; nobody new is let in; the object is there after the next start."""
    service = article
    server_id = service.client("hub", "transfer").list_servers()["Servers"][0]["ServerId"]
    host, port = service.ftp_endpoint(server_id)
    with FTP(timeout=60) as ftp:
        ftp.connect(host, port)
        ftp.login("user1", password_of(service, "user1"))
        with ftp.transfercmd("STOR slow.bin") as connection:
            connection.sendall(bytes(1 << 20))
            service.process.send_signal(signal.SIGTERM)
            until("nobody new is let in", lambda: not greeting(host, port).startswith("220"))
            assert service.process.poll() is None
            connection.sendall(bytes(1 << 20))
        assert ftp.voidresp().startswith("226")
        with pytest.raises(error_temp, match="421"):
            ftp.voidresp()
        ftp.close()
        assert service.process.wait(30) == 0
    with start_service(service.data_dir) as again:
        head = again.client("hub", "s3").head_object(Bucket="hub-inbox-111111111111", Key="slow.bin")
        assert head["ContentLength"] == 2 << 20


def test_a_signal_ends_it_and_answers_what_is_under_way(service):
    """The answer to a request that was accepted is sent to its end; nobody new is let in."""
    s3 = service.client("hub", "s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="large", Body=bytes(64 << 20))
    body = s3.get_object(Bucket="some-bucket", Key="large")["Body"]
    received = len(body.read(1 << 20))
    service.process.send_signal(signal.SIGTERM)
    until("the API port is closed", lambda: not is_open(service.api_url))
    while chunk := body.read(1 << 20):
        received += len(chunk)
    assert received == 64 << 20
    assert service.process.wait(60) == 0


def is_open(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except ConnectionRefusedError:
        return False


def test_a_second_signal_ends_it_at_once(service):
    s3 = service.client("hub", "s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="large", Body=bytes(64 << 20))
    body = s3.get_object(Bucket="some-bucket", Key="large")["Body"]
    body.read(1)
    service.process.send_signal(signal.SIGINT)
    until("the API port is closed", lambda: not is_open(service.api_url))
    assert service.process.poll() is None
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(5) == 1
    body.close()
