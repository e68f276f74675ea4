"""Where settings come from, which source wins, and what is said of those that cannot be meant."""

from pathlib import Path

import pytest

from crossdock.settings import (
    BadSetting,
    Settings,
    certificate_paths,
    data_dir_of,
    foreign_variables,
    load_settings,
    setting_rows,
    unknown_variables,
)


def from_file(tmp_path, text, **more):
    path = tmp_path / "crossdock.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, **{"environment": {}, **more})


def refused(*arguments, **options) -> str:
    with pytest.raises(BadSetting) as refusal:
        load_settings(*arguments, **{"environment": {}, **options})
    return str(refusal.value)


def refused_file(tmp_path, text) -> str:
    path = tmp_path / "crossdock.toml"
    path.write_text(text, encoding="utf-8")
    sentence = refused(path)
    assert sentence.startswith(str(path)), "an operator must know which file"
    return sentence.removeprefix(str(path)).removeprefix(": ")


def refused_variable(variable, text) -> str:
    sentence = refused(environment={variable: text})
    assert sentence.startswith(variable)
    return sentence


def test_without_any_source_the_defaults_are_those_of_the_documentation():
    settings = load_settings(environment={})
    assert settings == Settings()
    assert (settings.host, settings.api_port, settings.ftp_port, settings.passive_ports) == (
        "127.0.0.1",
        4566,
        2121,
        "8192-8200",
    )
    assert (settings.sftp_port, settings.web_port, settings.drain_timeout) == (2222, 8080, 30)
    assert settings.accounts == {"hub": "111111111111", "partner": "222222222222"}
    assert (settings.region, settings.data_dir) == ("us-east-1", Path("crossdock-data"))


def test_the_command_line_wins_over_variables_and_variables_over_the_file(tmp_path):
    text = 'ftp_port = 1\napi_port = 1\nsftp_port = 1\nregion = "eu-west-1"\n'
    variables = {"CROSSDOCK_FTP_PORT": "2", "CROSSDOCK_API_PORT": "2"}
    settings = from_file(tmp_path, text, environment=variables, options={"ftp_port": 3, "region": None})
    assert (settings.ftp_port, settings.api_port, settings.sftp_port, settings.web_port) == (3, 2, 1, 8080)
    assert settings.region == "eu-west-1"


def test_a_section_is_put_together_from_the_file_and_variables(tmp_path):
    text = "[ftp]\nidle_timeout_s = 600\nstalled_timeout_s = 60.5\n"
    settings = from_file(tmp_path, text, environment={"CROSSDOCK_FTP_STALLED_TIMEOUT_S": "61"})
    assert (settings.ftp.idle_timeout_s, settings.ftp.stalled_timeout_s) == (600.0, 61.0)
    assert settings.ftp.data_connect_timeout_s == 30.0


def test_every_kind_of_value_is_read_from_a_file(tmp_path):
    settings = from_file(
        tmp_path,
        """
        host = "0.0.0.0"
        drain_timeout = 5
        passive_ports = "10000-10010"
        [accounts]
        dock = "333333333333"
        [lambda]
        processes = 4
        [lambda.runtimes]
        "python3.12" = "/usr/bin/python3.12"
        [api]
        loopback_is_secure = false
        virtual_hosts = ["s3.example.com", "buckets.internal"]
        [logs]
        level = "debug"
        """,
    )
    assert (settings.host, settings.drain_timeout, settings.passive_ports) == ("0.0.0.0", 5.0, "10000-10010")
    assert isinstance(settings.drain_timeout, float)
    assert settings.accounts == {"dock": "333333333333"}
    assert settings.lambda_.processes == 4
    assert settings.lambda_.runtimes == {"python3.12": "/usr/bin/python3.12"}
    assert settings.api.loopback_is_secure is False
    assert settings.api.virtual_hosts == ("s3.example.com", "buckets.internal")
    assert settings.logs.level == "debug"


def test_every_kind_of_value_is_read_from_variables():
    settings = load_settings(
        environment={
            "CROSSDOCK_HOST": "::1",
            "CROSSDOCK_ACCOUNTS": "hub=444444444444, other=555555555555",
            "CROSSDOCK_KEYS": "hub=AKIDEXAMPLE123456:secretsecretsecret",
            "CROSSDOCK_LAMBDA_RUNTIMES": "python3.12=/usr/bin/python3.12",
            "CROSSDOCK_API_LOOPBACK_IS_SECURE": "no",
            "CROSSDOCK_API_VIRTUAL_HOSTS": "a.example, b.example",
            "CROSSDOCK_DRAIN_TIMEOUT": "1.5",
            "CROSSDOCK_API_PORT": " 0 ",
        }
    )
    assert settings.host == "::1"
    assert settings.accounts == {"hub": "444444444444", "other": "555555555555"}
    assert settings.keys == "hub=AKIDEXAMPLE123456:secretsecretsecret"
    assert settings.lambda_.runtimes == {"python3.12": "/usr/bin/python3.12"}
    assert settings.api.loopback_is_secure is False
    assert settings.api.virtual_hosts == ("a.example", "b.example")
    assert (settings.drain_timeout, settings.api_port) == (1.5, 0)


def test_an_empty_variable_counts_as_not_given():
    empty = {"CROSSDOCK_FTP_PORT": "", "CROSSDOCK_KEY_FILE": " ", "CROSSDOCK_LOGIN_CONCURRENT": ""}
    assert load_settings(environment=empty) == Settings()


def test_further_accounts_are_added_to_whatever_accounts_there_are(tmp_path):
    further = {"third": "333333333333"}
    settings = load_settings(environment={}, further_accounts=further)
    assert settings.accounts == {"hub": "111111111111", "partner": "222222222222", **further}
    settings = from_file(tmp_path, '[accounts]\ndock = "444444444444"\n', further_accounts=further)
    assert settings.accounts == {"dock": "444444444444", **further}


def test_relative_paths_of_a_file_begin_at_the_file_and_others_at_the_working_directory(tmp_path):
    settings = from_file(tmp_path, 'data_dir = "data"\nkey_file = "../keys/crossdock.key"\n')
    assert settings.data_dir == tmp_path / "data"
    assert settings.key_file == tmp_path / "../keys/crossdock.key"
    settings = load_settings(environment={"CROSSDOCK_DATA_DIR": "data", "CROSSDOCK_KEY_FILE": "k"})
    assert (settings.data_dir, settings.key_file) == (Path("data"), Path("k"))


def test_absolute_paths_stay_and_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    settings = from_file(tmp_path, 'data_dir = "/var/lib/crossdock"\nkey_file = "~/crossdock.key"\n')
    assert (settings.data_dir, settings.key_file) == (Path("/var/lib/crossdock"), Path("/home/anna/crossdock.key"))
    assert load_settings(environment={"CROSSDOCK_DATA_DIR": "~/data"}).data_dir == Path("/home/anna/data")


def test_a_command_that_only_asks_needs_no_other_setting_to_be_right():
    environment = {"CROSSDOCK_DATA_DIR": "/srv/dock", "CROSSDOCK_FTP_PORT": "nonsense"}
    assert data_dir_of(environment=environment) == Path("/srv/dock")
    assert data_dir_of(Path("given"), environment=environment) == Path("given")
    assert data_dir_of(environment={}) == Path("crossdock-data")


def test_an_unknown_key_is_refused_with_those_there_are(tmp_path):
    sentence = refused_file(tmp_path, "ftp_prot = 2121\n")
    assert "unknown setting 'ftp_prot'" in sentence
    assert "ftp_port" in sentence
    assert "unknown setting 'idle'" in refused_file(tmp_path, "[ftp]\nidle = 1\n")
    assert "unknown setting 'gopher'" in refused_file(tmp_path, "[gopher]\nport = 70\n")


def test_the_known_settings_of_a_refusal_are_all_there_are(tmp_path):
    sentence = refused_file(tmp_path, "frob = 1\n")
    known = sentence.partition("(known: ")[2].rstrip(")").split(", ")
    rows = list(setting_rows())
    sections = ["[api]", "[aws]", "[ftp]", "[ftps]", "[lambda]", "[login]", "[logs]", "[sftp]", "[sts]", "[uploads]"]
    assert known[-10:] == sections
    assert set(known) == {f"[{row.section}]" if row.section else row.name for row in rows}
    of_login = refused_file(tmp_path, "[login]\nfrob = 1\n").partition("(known: ")[2].rstrip(")").split(", ")
    assert set(of_login) == {row.name for row in rows if row.section == "login"}


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CROSSDOCK_FTP_IDLE_TIMEOUT", "CROSSDOCK_FTP_IDLE_TIMEOUT_S"),
        ("CROSSDOCK_DATADIR", "CROSSDOCK_DATA_DIR"),
        ("CROSSDOCK_FTP_PROT", "CROSSDOCK_FTP_PORT"),
        ("CROSSDOCK_ACCOUNT", "CROSSDOCK_ACCOUNTS"),
    ],
)
def test_a_misspelled_variable_is_refused_with_the_one_that_is_meant(variable, meant):
    assert refused(environment={variable: "1"}) == f"there is no variable {variable}: {meant} is meant, or unset it"


def test_variables_that_are_somebody_elses_do_not_matter():
    assert load_settings(environment={"CROSSDOCK_HOME": "/x", "CROSSDOCK_CI": "1", "PATH": "/bin"}) == Settings()


def test_an_unknown_variable_is_told_with_the_nearest_known_one():
    environment = {"CROSSDOCK_FROB": "1", "CROSSDOCK_FTP_TIMEOUT": "2", "CROSSDOCK_SERVICE_HOST": "10.0.0.1"}
    told = unknown_variables(environment=environment)
    assert list(told) == sorted(environment)
    assert told["CROSSDOCK_FTP_TIMEOUT"] == "CROSSDOCK_FTP_IDLE_TIMEOUT_S"
    assert set(told.values()) <= {row.variable for row in setting_rows()}


def test_every_variable_of_a_setting_is_known():
    environment = {row.variable: "" for row in setting_rows()}
    assert {"CROSSDOCK_DATA_DIR", "CROSSDOCK_KEYS"} <= environment.keys()
    assert unknown_variables(environment={**environment, "PATH": "/bin", "AWS_REGION": "x"}) == {}


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert refused(tmp_path / "none.toml") == f"cannot read {tmp_path}/none.toml: No such file or directory"
    assert refused(tmp_path) == f"cannot read {tmp_path}: Is a directory"
    assert "is not valid TOML" in refused(written(tmp_path, "ftp_port ="))
    assert "is not valid TOML" in refused(written(tmp_path, b"\xff\xfe"))


def written(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('ftp_port = "2121"', "ftp_port must be a whole number, not '2121'"),
        ("ftp_port = true", "ftp_port must be a whole number, not True"),
        ("ftp_port = 2121.0", "ftp_port must be a whole number, not 2121.0"),
        ("ftp_port = 65536", "ftp_port must be between 0 and 65,535, not 65536"),
        ("host = 1", "host must be a text in quotes, not 1"),
        ('host = ""', "host: must be an address such as 127.0.0.1 or 0.0.0.0, or a host name"),
        ("data_dir = 5", "data_dir must be a path in quotes, not 5"),
        ('data_dir = ""', "data_dir must be a path in quotes, not ''"),
        ('drain_timeout = "soon"', "drain_timeout must be a number, not 'soon'"),
        ("drain_timeout = nan", "drain_timeout must be between 0 and 86,400, not nan"),
        ("drain_timeout = -1", "drain_timeout must be between 0 and 86,400, not -1"),
        ("ftp = 5", "ftp is a section: write [ftp] on a line of its own"),
        ("[accounts]\nhub = 111111111111", "accounts must be a table of texts in quotes, not {'hub': 111111111111}"),
        ('[accounts]\nhub = "1111"', "accounts: the id of hub must be twelve digits"),
        ("accounts = {}", "accounts: must name at least one account"),
        ('[api]\nloopback_is_secure = "yes"', "[api] loopback_is_secure must be true or false, not 'yes'"),
        ('[api]\nvirtual_hosts = "s3.example"', "[api] virtual_hosts must be a list of texts, not 's3.example'"),
        ('[api]\nvirtual_hosts = ["a b"]', "[api] virtual_hosts: 'a b' is not a domain such as s3.example.com"),
        ("[sts]\nlongest_session_s = 0.5", "[sts] longest_session_s: must be 0 or at least 1"),
        ("[sts]\nlongest_session_s = -1", "[sts] longest_session_s must be between 0 and 86,400, not -1"),
        ('[logs]\nlevel = "LOUD"', "[logs] level: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("[lambda.runtimes]\npython3.12 = 'x'", "[lambda] runtimes must be a table of texts in quotes"),
        (
            '[ftps.certificates]\n"s-1" = "/chain.pem /key.pem"',
            "[ftps] certificates: 's-1' is neither a server id such as s-0123456789abcdef0 nor * for every server",
        ),
        (
            '[ftps.certificates]\n"*" = "/both.pem"',
            "[ftps] certificates: * must have two files, CHAIN and KEY, with a space between them",
        ),
        (
            """[ftps.certificates]\n"*" = "/chain.pem '/key.pem" """,
            "[ftps] certificates: * must have two files, CHAIN and KEY, with a space between them",
        ),
        (
            '[ftps.certificates]\n"*" = "chain.pem /key.pem"',
            "[ftps] certificates: the files of * must be absolute paths such as /etc/ssl/chain.pem /etc/ssl/key.pem",
        ),
        (
            '[lambda.runtimes]\n"python3.12" = "python3.12"',
            "[lambda] runtimes: the interpreter of python3.12 must be an absolute path such as /usr/bin/python3.12",
        ),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_what_would_be_right(tmp_path, text, sentence):
    assert refused_file(tmp_path, text).startswith(sentence)


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("CROSSDOCK_FTP_PORT", "ftp", "must be a whole number"),
        ("CROSSDOCK_FTP_PORT", "2_121", "must be a whole number"),
        ("CROSSDOCK_FTP_PORT", "-1", "must be between 0 and 65,535, not -1"),
        ("CROSSDOCK_DRAIN_TIMEOUT", "inf", "must be between 0 and 86,400, not inf"),
        ("CROSSDOCK_API_LOOPBACK_IS_SECURE", "perhaps", "must be true or false"),
        ("CROSSDOCK_ACCOUNTS", "hub", "must be NAME=VALUE with commas between them"),
        ("CROSSDOCK_ACCOUNTS", "hub=1", "the id of hub must be twelve digits"),
        ("CROSSDOCK_REGION", "US East", "must be a region such as us-east-1"),
        ("CROSSDOCK_LOGS_LEVEL", "verbose", "must be one of DEBUG"),
        ("CROSSDOCK_LOGIN_CONCURRENT", "0", "must be between 1 and 1,000,000, not 0"),
        ("CROSSDOCK_LAMBDA_PROCESSES", "99999", "must be between 0 and 4,096, not 99999"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_refused_by_its_name(variable, text, sentence):
    assert sentence in refused_variable(variable, text)


@pytest.mark.parametrize("text", ["8192-", "8200-8192", "0-5", "1-70000", "all", "8192-8200,9000"])
def test_passive_ports_that_are_no_range_are_refused_before_anything_listens(text):
    sentence = refused_variable("CROSSDOCK_PASSIVE_PORTS", text)
    assert "must be a range of ports such as 8192-8200, or 0" in sentence


def test_passive_ports_are_not_half_the_machine():
    assert "at most 1000 ports" in refused_variable("CROSSDOCK_PASSIVE_PORTS", "1024-65535")
    assert load_settings(environment={"CROSSDOCK_PASSIVE_PORTS": "0"}).passive_ports == "0"


def test_an_option_is_refused_by_its_name():
    assert refused(options={"passive_ports": "x"}).startswith("--passive-ports: must be a range")
    assert refused(options={"drain_timeout": float("nan")}).startswith("--drain-timeout must be between")


SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


def test_keys_are_in_no_repr_and_in_no_error(tmp_path):
    settings = load_settings(environment={"CROSSDOCK_KEYS": f"hub=AKIDEXAMPLE123456:{SECRET}"})
    assert SECRET in settings.keys
    assert SECRET not in repr(settings)
    for text in (f'[keys]\nhub = "AKID:{SECRET}"', f'keys = ["{SECRET}"]', f'keys = "{SECRET}', f"keys = {SECRET}"):
        assert SECRET not in refused_file(tmp_path, text)


def test_certificate_files_are_two_paths_that_may_stand_in_quotes(tmp_path):
    server = "s-0123456789abcdef0"
    text = f"""[ftps.certificates]\n"*" = "/chain.pem /key.pem"\n{server} = "'/a b/chain.pem' /key.pem" """
    files = certificate_paths(from_file(tmp_path, text).ftps.certificates)
    assert files == {
        "*": (Path("/chain.pem"), Path("/key.pem")),
        server: (Path("/a b/chain.pem"), Path("/key.pem")),
    }
    settings = load_settings(environment={"CROSSDOCK_FTPS_CERTIFICATES": "*=/chain.pem /key.pem"})
    assert settings.ftps.certificates == {"*": "/chain.pem /key.pem"}


def test_a_process_that_reads_no_settings_gets_none_of_ours():
    others = {"PATH": "/bin", "AWS_PROFILE": "there", "MY_CROSSDOCK_KEYS": "x"}
    assert (
        foreign_variables(environment={**others, "CROSSDOCK_KEYS": "hub=AKID:SECRET", "CROSSDOCK_WORKERS": "2"})
        == others
    )


@pytest.mark.parametrize("name", ["transfer:UserName", "Transfer:other"])
def test_tags_of_sessions_cannot_pass_for_the_gateways_own(tmp_path, name):
    (tmp_path / "crossdock.toml").write_text(f'[aws.session_tags]\n"{name}" = "root"\nteam = "dock"\n')
    with pytest.raises(BadSetting, match=f"the tag '{name}': transfer: is for the session's own tags"):
        load_settings(tmp_path / "crossdock.toml", environment={})


def test_how_objects_are_written_is_said_by_bucket(tmp_path):
    text = '[aws.buckets."*"]\nacl = "off"\n[aws.buckets."partner-inbox"]\nsse = "aws:kms"\nbucket_key = true\n'
    (tmp_path / "crossdock.toml").write_text(text)
    tables = load_settings(tmp_path / "crossdock.toml", environment={}).aws.buckets
    assert tables == {"*": {"acl": "off"}, "partner-inbox": {"sse": "aws:kms", "bucket_key": True}}
    told = {"CROSSDOCK_AWS_BUCKETS": '{"*": {"acl": "cross-account"}}'}
    assert load_settings(tmp_path / "crossdock.toml", environment=told).aws.buckets == {"*": {"acl": "cross-account"}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[aws]\nbuckets = "all"\n', "[aws] buckets must be tables of texts, true and false"),
        ('[aws.buckets]\nacl = "off"\n', "[aws] buckets must be tables of texts, true and false"),
        ('[aws.buckets."b"]\nacl = 1.5\n', "[aws] buckets must be tables of texts, true and false"),
        ('[aws.buckets."b"]\nacl = "all"\n', "[aws] buckets: acl of bucket b must be one of cross-account, off"),
    ],
)
def test_how_objects_are_written_is_checked(tmp_path, text, words):
    assert words in refused_file(tmp_path, text)


@pytest.mark.parametrize("text", ["off", '["*"]', '{"*": "off"}'])
def test_how_objects_are_written_is_json_as_a_variable(text):
    with pytest.raises(BadSetting, match="CROSSDOCK_AWS_BUCKETS must be JSON such as"):
        load_settings(environment={"CROSSDOCK_AWS_BUCKETS": text})
