"""Writes the pages that are generated: what is implemented, every setting, every resource type of a template.

    make docs

`tests/architecture/test_generated_docs.py` fails when a page is not what this would write.
"""

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.loaders import Loader
from botocore.model import ServiceModel

from crossdock.adapters.host.clock import SystemClock
from crossdock.adapters.host.sealing import AesGcmSealer, SealingKey
from crossdock.adapters.memory.blobs import MemoryBlobs
from crossdock.adapters.memory.epoch import MemoryEpoch
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.adapters.memory.object_index import MemoryObjectIndex, MemoryObjects, MemoryUploadIndex
from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.acm.serving import AcmCertificateCheck
from crossdock.cloud.acm.table import acm_operations
from crossdock.cloud.cloudformation.resources.table import KINDS
from crossdock.cloud.cloudformation.table import cloudformation_operations
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.table import ec2_operations
from crossdock.cloud.iam import managed_policies
from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.iam.principal_policies import PrincipalDirectory
from crossdock.cloud.lambda_.table import lambda_operations
from crossdock.cloud.logs.table import logs_operations
from crossdock.cloud.organizations.table import organizations_operations
from crossdock.cloud.s3.bucket_directory import BucketDirectory
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.table import s3_operations
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.operations import sts_operations
from crossdock.cloud.sts.session_tokens import SessionTokens
from crossdock.core.logins import LoginAttempt
from crossdock.core.servers import Server
from crossdock.files.verbs import VERBS, Need, S3Call, VerbCalls
from crossdock.ftp import commands
from crossdock.operations.operation import FixedPermissions, Operation, ServiceOperations
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.functions import FunctionSpec, InvocationResult
from crossdock.ports.servers import LoginOutcome
from crossdock.settings import SettingRow, Settings, setting_rows
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.security_group_use import ServersOfGroups
from crossdock.transfer.server_certificates import ServersOfCertificates
from crossdock.transfer.table import transfer_operations

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTICE = "<!-- Written by scripts/generate_docs.py (`make docs`); do not edit. -->"

COVERAGE = """\
# Coverage

Every operation that Crossdock answers, of all that AWS's own service models describe. Another operation of these
services is answered with HTTP status 501: `NotImplemented` for S3, `UnknownOperationException` for the others. What is
done otherwise than at AWS is in [deviations.md](deviations.md), what templates can make in
[cloudformation.md](cloudformation.md).

Every call is authorised first. As at AWS, most operations need the action of their name on what the call names, and
`iam:PassRole` on a role that they hand to a service. Where an operation needs the same permission whatever the call
says, it stands beside it.
"""
SETTINGS = """\
# Settings

Read once, when `crossdock serve` starts. Later sources win: the defaults, the TOML file that `--config` names,
variables, the command line. A key, value or variable that cannot be meant ends the start with a sentence. A
`CROSSDOCK_` variable that resembles no setting may be somebody else's: a warning in the log names it
with the nearest one.

- In TOML a setting stands under its section: `[ftp]`, then `idle_timeout_s = 600`. Relative paths begin at the file's
  directory.
- As a variable it is `CROSSDOCK_`, the section and the name: `CROSSDOCK_FTP_IDLE_TIMEOUT_S=600`. An empty one counts as
  not given; tables and lists are written with commas: `CROSSDOCK_ACCOUNTS=hub=111111111111,lab=…`.
- Settings without a section, but for `accounts`, `keys` and `key_file`, are options too: `--ftp-port 2121`.
  `--account NAME=ID` adds an account.
"""
EXAMPLE = """\
## An example

```toml
data_dir = "/var/lib/crossdock"
host = "10.0.0.5"
ftp_port = 21
passive_ports = "8192-8200"
key_file = "/etc/crossdock/sealing.key"

[passive_ip]
"0.0.0.0/0" = "198.51.100.7"
"10.0.0.0/8" = "AUTO"

[accounts]
hub = "111111111111"
press = "333333333333"

[ftp]
idle_timeout_s = 600

[lambda.runtimes]
"python3.12" = "/usr/bin/python3.12"
```"""
RESOURCE_TYPES = """\
# Resource types of templates

What `aws cloudformation deploy` can make. Properties of the second column are honoured, those in bold must be given;
those of the third are accepted without any effect, so that templates deploy as they are: a bucket's `BucketEncryption`
encrypts nothing here. Any other property fails the resource with a sentence, and so does any other type.
"""

FILE_COMMANDS = """\
# What a file command needs

Which S3 calls each FTP command and SFTP request makes, as the user's role, and the action that a policy must allow for
it: in the role's policy, in a session policy if there is one, and in the bucket's policy if the bucket is another
account's. An upload needs `s3:PutObject` alone, so a drop box works; over SFTP that is an OPEN with CREAT and TRUNC or
EXCL, or without them as `scp` does it ([deviations.md](deviations.md#transfer)). Clients that look a name up before
they write it, as sshfs and rclone do, need `s3:GetObject` and `s3:ListBucket` too, or hear "Permission denied". A
listing needs `s3:ListBucket` alone.

*Sometimes* and *if allowed* stand beside a call that is not always made: the first fails the command where it is
denied, the second is made for a better answer, and left out where it is denied.
"""
SERVED_IF = {
    commands.Need.NOTHING: "always",
    commands.Need.TLS: "by servers with FTPS",
    commands.Need.RESTART: "with `ftp.allow_restart` before RETR, with `ftp.allow_append` before STOR",
    commands.Need.APPEND: "with `ftp.allow_append`",
}

ON = {
    "bucket": "the bucket",
    "object": "the object",
    "directory marker": "`DIRECTORY/`",
    "target of the rename": "the new name",
    "every object below the directory": "each `DIRECTORY/…`",
    "every object below the target": "each `NEW NAME/…`",
}


class NoTrial:
    """A login trial for a table whose operations are listed and never called."""

    async def try_login(self, server: Server, attempt: LoginAttempt) -> LoginOutcome:
        raise NotImplementedError


class NoFunctions:
    """A runner and an archive for the same purpose."""

    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        raise NotImplementedError

    async def retire(self, function_arn: str) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def put(self, archive: bytes) -> str:
        raise NotImplementedError

    async def get(self, archive_id: str) -> bytes:
        raise NotImplementedError

    async def delete(self, archive_id: str) -> None:
        raise NotImplementedError

    async def sweep(self, in_use: Collection[str]) -> int:
        raise NotImplementedError


def service_tables() -> list[ServiceOperations]:
    """Every service's table, as the service puts them together, over memory."""
    state, epoch = MemoryState(), MemoryEpoch()
    sealer = AesGcmSealer(SealingKey(key_id="docs", secret=os.urandom(32)))
    tokens, library = SessionTokens(sealer), PolicyLibrary(managed_policies.load())
    principals = PrincipalDirectory(state=state, clock=SystemClock(), epoch=epoch, library=library)
    access_keys = AccessKeys(state=state, sealer=sealer, tokens=tokens, library=library, epoch=epoch)
    functions = NoFunctions()
    objects = MemoryObjects()
    storage = Storage(
        buckets=BucketDirectory(state=state, epoch=epoch),
        objects=MemoryObjectIndex(objects),
        uploads=MemoryUploadIndex(objects),
        blobs=MemoryBlobs(),
        epoch=epoch,
        executor=ThreadPoolExecutor(1),
    )
    return [
        acm_operations(sealer=sealer, epoch=epoch, uses=ServersOfCertificates()),
        cloudformation_operations(sealer=sealer),
        ec2_operations(ingress=SecurityGroupIngress(state=state, tasks=TaskSupervisor()), use=ServersOfGroups()),
        iam_operations(epoch=epoch, library=library),
        lambda_operations(runner=functions, code=functions, sealer=sealer, access_keys=access_keys, epoch=epoch),
        logs_operations(events=MemoryLogEvents(), settings=Settings().logs),
        organizations_operations(epoch=epoch),
        s3_operations(storage),
        secrets_operations(sealer=sealer, epoch=epoch),
        sts_operations(principals=principals, tokens=tokens, library=library),
        transfer_operations(
            changes=ServerChanges(),
            trial=NoTrial(),
            certificates=AcmCertificateCheck(SystemClock()),
            host_keys=HostKeyVault(sealer=sealer, threads=ThreadPoolExecutor(1), entropy=os.urandom),
        ),
    ]


def pages() -> Mapping[Path, str]:
    """Every generated page with its text."""
    return {
        DOCS / "coverage.md": coverage_page(service_tables()),
        DOCS / "settings.md": settings_page(list(setting_rows())),
        DOCS / "cloudformation.md": cloudformation_page(),
        DOCS / "file-commands.md": file_commands_page(),
    }


def coverage_page(tables: Sequence[ServiceOperations]) -> str:
    loader = Loader()
    summary, sections = [], []
    for table in sorted(tables, key=lambda table: table.service):
        model = ServiceModel(loader.load_service_model(table.service, "service-2"), table.service)
        title = str(model.metadata.get("serviceAbbreviation") or model.metadata["serviceFullName"])
        missing = sorted(set(model.operation_names) - set(table.operations))
        unknown = sorted(set(table.operations) - set(model.operation_names))
        if unknown:
            raise ValueError(f"{table.service}: AWS's model has no {', '.join(unknown)}")
        total = len(model.operation_names)
        summary.append((f"[{title}](#{table.service})", str(len(table.operations)), str(total)))
        sections += [
            f'<a id="{table.service}"></a>',
            "",
            f"## {title}",
            "",
            f"{len(table.operations)} of {total} operations.",
            "",
            *(_operation_line(name, table.operations[name]) for name in sorted(table.operations)),
            "",
            f"<details><summary>{len(missing)} that are not implemented</summary>",
            "",
            ", ".join(missing) + ".",
            "",
            "</details>",
            "",
        ]
    return _page(COVERAGE, [*_table(("Service", "Implemented", "AWS has"), summary), "", *sections])


def _operation_line(name: str, operation: Operation) -> str:
    if not isinstance(operation.permissions, FixedPermissions):
        return f"- {name}"
    needed = " and ".join(f"`{one.action}` on `{one.resource}`" for one in operation.permissions.permissions)
    return f"- {name} (needs {needed or 'nothing'})"


def settings_page(rows: Sequence[SettingRow]) -> str:
    parts: list[str] = []
    for section in dict.fromkeys(row.section for row in rows):
        parts += [f"## `[{section}]`" if section else "## Without a section", ""]
        chosen = [row for row in rows if row.section == section]
        header = ("Setting", "Default", "May be", "What it is for")
        parts += [*_table(header, [_setting_cells(row) for row in chosen]), ""]
    return _page(SETTINGS, [*parts, EXAMPLE])


def _setting_cells(row: SettingRow) -> tuple[str, ...]:
    limits = "" if row.low is None or row.high is None else f"{_number(row.low)} to {_number(row.high)}"
    return f"`{row.name}`<br>`{row.variable}`", f"`{row.default}`" if row.default else "", limits, row.meaning


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def cloudformation_page() -> str:
    rows = []
    for name, kind in sorted(KINDS.items()):
        honoured = ", ".join(f"**{one}**" if one in kind.required else one for one in sorted(kind.properties))
        rows.append((f"`{name}`", honoured, ", ".join(sorted(kind.ignored))))
    return _page(RESOURCE_TYPES, _table(("Type", "Properties", "Accepted without effect"), rows))


def file_commands_page() -> str:
    rows = [row for calls in VERBS.values() for row in _verb_rows(calls)]
    calls = _table(("FTP", "SFTP", "S3 calls", "Action", "On", "When"), rows)
    return _page(FILE_COMMANDS, [*calls, "", *_ftp_commands()])


def _ftp_commands() -> Iterable[str]:
    served = [verb for verb in commands.VERBS.values() if verb.service is commands.Service.SERVED]
    others = [verb.name for verb in commands.VERBS.values() if verb not in served]
    older = ", ".join(f"{old} for {name}" for old, name in sorted(commands.ALIASES.items()))
    rows = [(f"`{verb.summary.replace('<SP> ', '')}`", SERVED_IF[verb.need], verb.rule) for verb in served]
    yield from ("## Every FTP command", "", f"Also by their older names: {older}.", "")
    yield from _table(("Command", "Served", "Rule"), rows)
    yield from ("", f"Known and answered 502: {', '.join(others)}. Any other word is answered 500.")


def _verb_rows(verb: VerbCalls) -> Iterable[tuple[str, ...]]:
    for number, call in enumerate(verb.calls):
        names = (", ".join(verb.ftp), ", ".join(verb.sftp)) if number == 0 else ("", "")
        yield *names, call.operation, f"`{call.action}`", ON[call.on], _when(call)


def _when(call: S3Call) -> str:
    if call.need is Need.ALWAYS:
        return f"always: {call.note}" if call.note else "always"
    return f"*{call.need}:* {call.note}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _page(introduction: str, lines: Iterable[str]) -> str:
    return "\n".join((NOTICE, "", introduction, *lines)).rstrip() + "\n"


def main() -> None:
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(DOCS.parent)}", file=sys.stderr)


if __name__ == "__main__":
    main()
