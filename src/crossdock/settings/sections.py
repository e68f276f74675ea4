"""The settings: what there is, what each is for, and what it may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crossdock.core.servers import InterruptedUploads
from crossdock.settings.aws_section import AwsSettings
from crossdock.settings.checks import (
    check_accounts,
    check_authority,
    check_certificates,
    check_domains,
    check_host,
    check_interpreters,
    check_interrupted,
    check_level,
    check_networks,
    check_passive_ip,
    check_passive_ports,
    check_region,
)
from crossdock.settings.declare import DAY_S, MANY, Ports, port, setting
from crossdock.settings.sts_section import StsSettings

DEFAULT_ACCOUNTS = {"hub": "111111111111", "partner": "222222222222"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSettings:
    """Before and while a user is admitted."""

    failure_delay_s: float = setting(
        1.0, "A failed login is answered no sooner than this many seconds after it began.", low=0, high=60
    )
    timeout_s: float = setting(
        30.0, "How long the identity provider and the assumption of the role may take together.", low=0.1, high=900
    )
    provider_ca_file: Path | None = setting(  # noqa: RUF009 - a field, and paths do not change
        None,
        "Certificate authorities, in PEM, of identity providers that are asked by HTTPS (type API_GATEWAY), in place "
        'of this machine\'s; not set = with `authority = "aws"` those of `aws.ca_file`, else as `AWS_CA_BUNDLE`, the '
        "profile's `ca_bundle` or `REQUESTS_CA_BUNDLE` says.",
    )
    concurrent: int = setting(64, "How many logins are decided at the same time; further ones wait.", low=1, high=MANY)
    pre_login_timeout_s: float = setting(
        60.0,
        "How long an FTP client may be silent before it has logged in. SFTP has `sftp.login_timeout_s`.",
        low=1,
        high=DAY_S,
    )
    attempts_per_connection: int = setting(
        3,
        "Failed passwords after which an FTP connection is closed. SFTP has `sftp.attempts_per_connection`.",
        low=1,
        high=100,
    )
    connections_per_address: int = setting(
        1000, "FTP control connections and SSH connections from one client address.", low=1, high=MANY
    )
    connections: int = setting(10_000, "FTP control connections and SSH connections in total.", low=1, high=MANY)
    sessions_per_server: int = setting(
        10_000, "Sessions of admitted users that one server may have at once.", low=1, high=MANY
    )
    sessions_per_user: int = setting(
        0, "Sessions that one user of a server may have at once; 0 = as many as the server.", low=0, high=MANY
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpSettings:
    """What an FTP session may do and for how long."""

    idle_timeout_s: float = setting(
        1800.0, "How long a session may be silent between its commands.", low=1, high=7 * DAY_S
    )
    stalled_timeout_s: float = setting(
        600.0, "How long a transfer may go without a byte before it is interrupted.", low=1, high=7 * DAY_S
    )
    data_connect_timeout_s: float = setting(
        30.0, "How long a transfer command waits for the client's data connection.", low=0.1, high=3600
    )
    proxy_protocol_from: tuple[str, ...] = setting(
        (),
        "Networks of load balancers that send the PROXY protocol. A connection from there must begin with it, and "
        "counts as its client's; from elsewhere it is not read.",
        check=check_networks,
    )
    allow_restart: bool = setting(
        True, "Downloads may begin in the middle of a file (`REST` before `RETR`), so that clients can resume them."
    )
    allow_append: bool = setting(
        False,
        "Uploads may go on at the end of a file (`APPE`, `REST` before `STOR`; over SFTP `reput` and `>>`). AWS does "
        "not offer it.",
    )
    strict_tls_eof: bool = setting(
        False,
        "An upload under TLS that ends without close_notify was interrupted. Off, because many clients leave it out: "
        "everything they sent is kept, and the log tells of each such end.",
    )
    rename_directories: bool = setting(
        False,
        "Directories may be renamed, over SFTP too, which moves every object below them one by one. AWS does not offer "
        "it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpsSettings:
    """Where FTPS servers have their certificates from, if not from Certificate Manager."""

    certificates: Mapping[str, str] = setting(
        dict,
        "Certificates in files, by server id or `*`, instead of those that servers name: the chain, a space, the key, "
        'as absolute paths. In TOML `[ftps.certificates]`, `"*" = "/etc/ssl/chain.pem /etc/ssl/key.pem"`. Changed '
        "files are read at the next handshake. A key that others may read is refused.",
        check=check_certificates,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpSettings:
    """What an SFTP connection may do and for how long."""

    login_timeout_s: float = setting(
        120.0, "How long a client may take from connecting to being logged in.", low=1, high=DAY_S
    )
    attempts_per_connection: int = setting(
        6,
        "Failed passwords and keys after which a connection is closed. Clients try all the keys that they have.",
        low=1,
        high=100,
    )
    channels_per_connection: int = setting(
        10, "How many times at once a client may open SFTP within one connection.", low=1, high=1000
    )
    idle_timeout_s: float = setting(
        1800.0, "How long a session may go without a byte in either direction.", low=1, high=7 * DAY_S
    )
    keepalive_s: float = setting(
        60.0,
        "How often a client that says nothing is asked whether it is still there; three times without an answer end "
        "its connection. 0 = never.",
        low=0,
        high=DAY_S,
    )
    proxy_protocol_from: tuple[str, ...] = setting(
        (),
        "Networks of load balancers that send the PROXY protocol. A connection from there must begin with it, and "
        "counts as its client's; from elsewhere it is skipped. Where a server's SftpMode is PROXY_PROTOCOL_V2_ENFORCED "
        "everybody must begin with it, and it counts from whomever the server's security group admits as well.",
        check=check_networks,
    )
    proxy_protocol_optional: bool = setting(
        False, "Connections from `proxy_protocol_from` may also come without a header, and then count as their own."
    )
    fast_path: bool = setting(
        True,
        "File data goes past asyncssh's own handling of packets, which is what limits transfers, and a login takes "
        "fewer of them. Off: for comparison, and should a client not get along with it.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """How functions run."""

    processes: int = setting(
        0,
        "Function processes at the same time, over all functions and accounts; 0 = twice the cores.",
        low=0,
        high=4096,
    )
    queue: int = setting(1000, "Invocations that may wait for a process; further ones are refused.", low=0, high=MANY)
    idle_seconds: float = setting(300.0, "How long a process is kept warm without work.", low=0, high=DAY_S)
    runtimes: Mapping[str, str] = setting(
        dict,
        "Interpreters by AWS's names of runtimes, as absolute paths; a runtime without one runs under Crossdock's own. "
        'In TOML the names stand in quotes: `[lambda.runtimes]`, `"python3.12" = "/usr/bin/python3.12"`.',
        check=check_interpreters,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The service's own log, and CloudWatch Logs on disk."""

    level: str = setting(
        "INFO", "The least severe lines on standard error: DEBUG, INFO, WARNING, ERROR or CRITICAL.", check=check_level
    )
    retention_days: int = setting(
        30, "Days that log groups without a retention of their own keep their events.", low=1, high=3653
    )
    max_bytes: int = setting(
        1 << 30,
        "Bytes of log events that are kept over all accounts; beyond them the oldest of the largest log group go.",
        low=1 << 20,
        high=1 << 50,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The port of the AWS APIs."""

    loopback_is_secure: bool = setting(
        True, "HTTP from this machine to itself counts as secure transport (`aws:SecureTransport`)."
    )
    pretend_encryption: bool = setting(
        False,
        "S3 requests may ask for server-side encryption: it is noted with the object and answered, and nothing is "
        "encrypted. For testing against this service in place of AWS; otherwise such requests are refused.",
    )
    max_body_bytes: int = setting(
        10 << 20, "The largest body of a request that is not an S3 object.", low=1 << 16, high=1 << 30
    )
    body_memory_bytes: int = setting(
        256 << 20,
        "Bytes of such bodies held at once, over all clients; a request beyond is told to come again.",
        low=1 << 20,
        high=1 << 40,
    )
    connections: int = setting(
        2000,
        "Connections at once; one more is told so and closed. A client that sends an object slowly holds a megabyte.",
        low=1,
        high=MANY,
    )
    idle_timeout_s: float = setting(
        75.0,
        "How long a connection may be silent between requests, and how long the head of a request may take.",
        low=1,
        high=DAY_S,
    )
    stalled_timeout_s: float = setting(
        60.0,
        "How long a request or an answer may stand still before its connection is closed.",
        low=1,
        high=DAY_S,
    )
    virtual_hosts: tuple[str, ...] = setting(
        (),
        "Further domains whose sub-domains are buckets, besides `localhost` and `s3.localhost`.",
        check=check_domains,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSettings:
    """What becomes of interrupted uploads, and what those may hold that go on in parts: to an S3 over the network, and
    under `resume` also into the embedded one."""

    memory_bytes: int = setting(
        64 << 20, "Parts on their way that wait in memory, over all uploads.", low=8 << 20, high=1 << 40
    )
    spool_bytes: int = setting(
        16 << 30,
        "Parts that wait in `DIR/spool`, when memory is used up. With both full an upload waits for another, and after "
        "a minute is refused with 452.",
        low=8 << 20,
        high=1 << 50,
    )
    max_object_size: int = setting(
        5 << 40,
        "The largest file. The larger it may be, the faster parts grow, for S3 takes 10,000 of them.",
        low=1 << 20,
        high=43 << 40,
    )
    interrupted: str = setting(
        "discard",
        "What becomes of an upload that does not come to its end, on servers without the tag "
        "`crossdock:interrupted-uploads`: `discard` leaves nothing, `keep` makes what had arrived the file, as AWS "
        "does, and `resume` lets its user go on with it later.",
        check=check_interrupted,
    )
    resumable_hours: float = setting(
        24.0,
        "How long an interrupted upload can be gone on with, since it was interrupted; then its parts are deleted.",
        low=0.01,
        high=24 * 365,
    )
    resumable_per_user: int = setting(
        100,
        "Uploads that one user of a server may have, interrupted or under way, to go on with; of further ones nothing "
        "stays when they are interrupted.",
        low=1,
        high=10_000,
    )

    @property
    def kept(self) -> InterruptedUploads:
        return InterruptedUploads(self.interrupted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything `crossdock serve` can be told."""

    data_dir: Path = setting(  # noqa: RUF009 - a field, and paths do not change
        Path("crossdock-data"), "Everything the service keeps. Made 0700 when it is missing, and used by one service."
    )
    host: str = setting(
        "127.0.0.1",
        "The address that everything listens on: 0.0.0.0 or :: for all of this machine's.",
        check=check_host,
    )
    api_port: int = port(4566, "The AWS APIs.")
    ftp_port: int = port(2121, "The first FTP server; later ones take the next free port.")
    passive_ports: Ports = setting(  # noqa: RUF009 - a field
        "8192-8200",
        "Where FTP data connections go, for all servers on an address: a range, or 0 = nine that the system chooses.",
        check=check_passive_ports,
    )
    passive_ip: Mapping[str, str] = setting(
        dict,
        "The address that PASV names to clients of a network, in place of the server's PassiveIp; the most specific "
        'network wins, and AUTO is the address that the client connected to. In TOML `[passive_ip]`, `"10.0.0.0/8" = '
        '"AUTO"`.',
        check=check_passive_ip,
    )
    allow_open_servers: bool = setting(
        False,
        "Servers that name no existing security group may be opened beyond loopback, so for whoever reaches the "
        "machine.",
    )
    allow_public_ftp: bool = setting(
        False,
        "Plain FTP, which sends passwords unencrypted, may be opened on a public address, on 0.0.0.0 or on ::.",
    )
    sftp_port: int = port(2222, "The first SFTP server; later ones take the next free port.")
    web_port: int = port(8080, "The web console: not served yet.")
    workers: int = setting(
        0,
        "Processes that serve SFTP besides the one that does all else; 0 = none, which is best for one core and for "
        "few clients at a time. As many as there are cores lets many clients use all of them; each takes some 75 MB.",
        low=0,
        high=256,
    )
    drain_timeout: float = setting(
        30.0, "Seconds that transfers may finish in when a server or the service stops.", low=0, high=DAY_S
    )
    region: str = setting("us-east-1", "The region of what names none.", check=check_region)
    accounts: Mapping[str, str] = setting(
        lambda: dict(DEFAULT_ACCOUNTS),
        "Names and twelve-digit ids. Given here, they replace the two defaults; `--account` adds to them. A data "
        "directory keeps a name's id; an id may be given another name. The management account, 000000000000, is there "
        "in any case.",
        check=check_accounts,
    )
    keys: str = setting(
        "",
        "Access keys of the accounts' administrators, `hub=AKID:SECRET,…`; others are generated. Better a variable "
        "than a line of a file.",
        is_secret=True,
    )
    key_file: Path | None = setting(  # noqa: RUF009 - a field
        None, "Where the encryption key lies, if not in the data directory. The file must exist, with mode 0600."
    )
    authority: str = setting(
        "embedded",
        "Who holds roles, functions and buckets: `embedded`, this service itself, or `aws`, with the section `aws`.",
        check=check_authority,
    )
    servers: Path | None = setting(  # noqa: RUF009 - a field
        None,
        "A file of servers and their users that are made at the start, with ids that stay. Servers that it had "
        "and has no more [are deleted](aws.md#servers-and-users).",
    )
    buckets: Path | None = setting(  # noqa: RUF009 - a field
        None, "A file of buckets that are attached at the start to buckets of other S3s, where their objects lie."
    )
    login: LoginSettings = field(default_factory=LoginSettings)
    ftp: FtpSettings = field(default_factory=FtpSettings)
    ftps: FtpsSettings = field(default_factory=FtpsSettings)
    sftp: SftpSettings = field(default_factory=SftpSettings)
    lambda_: LambdaSettings = field(default_factory=LambdaSettings)
    logs: LogSettings = field(default_factory=LogSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    uploads: UploadSettings = field(default_factory=UploadSettings)
    aws: AwsSettings = field(default_factory=AwsSettings)
    sts: StsSettings = field(default_factory=StsSettings)


SECTIONS: Mapping[str, type] = {
    "login": LoginSettings,
    "ftp": FtpSettings,
    "ftps": FtpsSettings,
    "sftp": SftpSettings,
    "lambda": LambdaSettings,
    "logs": LogSettings,
    "api": ApiSettings,
    "uploads": UploadSettings,
    "aws": AwsSettings,
    "sts": StsSettings,
}
ATTRIBUTES = {"lambda": "lambda_"}
"""Sections whose attribute is spelled otherwise, because Python keeps the word for itself."""
