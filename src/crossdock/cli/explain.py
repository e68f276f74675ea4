"""`crossdock explain`: which policy of which account refuses a user's command, and what to change."""

import json
import sys
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TextIO

import click

from crossdock.cli.client import ask_service
from crossdock.cli.explain_profiles import ask_profiles, profile_options
from crossdock.cli.options import data_dir_option, output_option
from crossdock.core.public_key_files import MAX_FILE_CHARACTERS, read_public_key_file
from crossdock.core.servers import FileProtocol
from crossdock.core.ssh_public_keys import BadPublicKey
from crossdock.files.explaining import COMMANDS
from crossdock.settings import data_dir_of

_MARKS = {"Allowed": "✓", "Denied": "✗", "Unknown": "?"}


def _read_address(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else str(ip_address(text))
    except ValueError as error:
        raise click.BadParameter(f"{text} is no IP address.") from error


@click.command(short_help="Say why a user's file command is refused.")
@click.argument("command", type=click.Choice(list(COMMANDS)), metavar="COMMAND")
@click.argument("path")
@click.argument("target", required=False)
@click.option("--server-id", metavar="ID", help="The server; not needed where there is only one.")
@click.option("--user-name", metavar="NAME", required=True, help="Who logs in.")
@click.option("--password-stdin", is_flag=True, help="Ask the identity provider, with the password on standard input.")
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.File(),
    help="Ask whether this SSH key would be let in: OpenSSH's one line, as in ~/.ssh/id_ed25519.pub; - = stdin. With "
    "--password-stdin where both are wanted.",
)
@click.option("--session", metavar="ID", help="Take who the user is from a session that the server has logged.")
@click.option(
    "--identity", metavar="FILE", type=click.File(), help="The identity provider's answer, as JSON; - = stdin."
)
@click.option("--role", metavar="ARN", help="The user's role, without asking the identity provider.")
@click.option("--home", metavar="HOME", help="With --role: /bucket/folder, or a JSON list of Entry and Target.")
@click.option("--policy", metavar="FILE", type=click.File(), help="With --role: the user's session policy.")
@click.option(
    "--protocol",
    metavar="PROTOCOL",
    type=click.Choice([protocol.value for protocol in FileProtocol], case_sensitive=False),
    help="FTP, FTPS or SFTP.  [default: the server's first]",
)
@click.option(
    "--source-ip",
    metavar="ADDRESS",
    callback=_read_address,
    help="Where the user comes from.  [default: 127.0.0.1]",
)
@profile_options
@data_dir_option
@output_option(people="text", shown="A line for each step")
def explain(
    command: str,
    path: str,
    target: str | None,
    *,
    server_id: str | None,
    user_name: str,
    protocol: str | None,
    source_ip: str | None,
    data_dir: Path | None,
    output: str,
    profiles: Mapping[str, str],
    aws: Mapping[str, Any],
    **who: Any,
) -> None:
    """Say whether a user's COMMAND on PATH would be allowed, and if not, what stands in the way and how to change it.

    COMMAND is put, append, get, ls, cd, rm, mkdir, rmdir, or mv (which takes a TARGET too). It walks what would really
    happen: server, identity provider, key, session policy, role, home directory, then each S3 action with every kind
    of policy. Nothing is written. Exits with 0 if it would be allowed, with 1 if not or if that cannot be known.

    PATH is what the user would type. It begins in the home directory, or at a slash: of a home that is /bucket/folder,
    an absolute path begins with the bucket.

    With --profile no service is asked: the same is worked out from the documents of AWS that the profiles may read, for
    Crossdock in front of AWS and for servers of AWS Transfer Family. What they may not read is unknown, and it says
    which permission of which profile would show it. --print-policy prints what a profile needs.

    All examples but the second and the last fit what `crossdock serve --example article` sets up.

    \b
    Examples:
      crossdock explain --user-name user2 --password-stdin put in/a.csv < password.txt
      crossdock explain --user-name anna --public-key ~/.ssh/id_ed25519.pub ls .
      crossdock explain --user-name user2 --session 6bee10aac741b2fd get /partner-inbox-222222222222/in/a.csv
      crossdock explain --user-name user2 --role arn:aws:iam::111111111111:role/transfer-users \\
          --home /partner-inbox-222222222222 ls .
      crossdock explain --profile hub=hub-readonly --profile 222222222222=partner-readonly \\
          --server-id s-0123456789abcdef0 --user-name user1 put in/a.csv
    """
    if (command == "mv") is not (target is not None):
        raise click.UsageError("mv takes a path and a target, every other command one path")
    question = {
        "serverId": server_id,
        "userName": user_name,
        "command": command,
        "path": path,
        "target": target,
        "protocol": protocol,
        "sourceIp": source_ip,
        **_who(**who),
    }
    found: Mapping[str, Any] = (
        ask_profiles(question, profiles, **aws)
        if profiles
        else ask_service(data_dir_of(data_dir), "/explain", question=question)
    )
    if output == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        for line in _for_people(found):
            click.echo(line)
    if found["outcome"] != "Allowed":
        sys.exit(1)


def _who(
    *,
    password_stdin: bool,
    public_key: Any,
    session: str | None,
    identity: Any,
    role: str | None,
    home: str | None,
    policy: Any,
) -> Mapping[str, Any]:
    """From where it is known who the user is: one way only, but for a key and a password."""
    shown = [name for name, given in (("--public-key", public_key), ("--password-stdin", password_stdin)) if given]
    told = (("--session", session), ("--identity", identity), ("--role", role))
    ways = [*shown, *(name for name, given in told if given)]
    if len(ways) > 1 and ways != shown:
        raise click.UsageError(f"{' and '.join(ways)} exclude each other")
    if password_stdin and public_key is not None and public_key.name == "<stdin>":
        raise click.UsageError("--public-key and --password-stdin cannot both come from standard input")
    if (policy and not role) or (home and not (role or session)):
        raise click.UsageError("--home and --policy belong to --role (--home to --session too)")
    if shown:
        key = {"publicKey": _key_of(public_key)} if public_key else {}
        password = _text_of(sys.stdin, "--password-stdin").removesuffix("\n") if password_stdin else None
        return key if password is None else {**key, "password": password}
    if identity:
        return {"identity": _json_of(_text_of(identity, "--identity"), "--identity")}
    found: dict[str, Any] = {"session": session} if session else {}
    if role or home:
        # The session's own role is taken from the log; a role must be named for the home to be read as an answer.
        answer = {"Role": role or "arn:aws:iam::000000000000:role/logged", **_home(home)}
        found["identity"] = {**answer, **({"Policy": _text_of(policy, "--policy")} if policy else {})}
    return found


def _home(home: str | None) -> Mapping[str, str]:
    if home is None:
        return {}
    if home.lstrip().startswith("["):
        _json_of(home, "--home")
        return {"HomeDirectoryType": "LOGICAL", "HomeDirectoryDetails": home}
    return {"HomeDirectory": home}


def _key_of(file: TextIO) -> str:
    """Its one-line form, read here so that nothing else of the file goes any further."""
    try:
        return str(read_public_key_file(_text_of(file, "--public-key", at_most=MAX_FILE_CHARACTERS + 1)))
    except BadPublicKey as error:
        raise click.UsageError(f"--public-key {file.name}: {error}") from error


def _json_of(text: str, option: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{option} is not JSON: {error}") from error


def _text_of(file: TextIO, option: str, *, at_most: int = -1) -> str:
    try:
        return file.read(at_most)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{option} is not UTF-8: {error.reason} at byte {error.start}") from error


def _for_people(found: Mapping[str, Any]) -> Iterator[str]:
    for step in found["steps"]:
        mark = _MARKS[step["outcome"]] if step["needed"] or step["outcome"] == "Allowed" else "-"
        subject = f" {step['subject']}" if step["subject"] else ""
        yield f"{mark} {step['step']}{subject}"
        yield f"    {step['reason']}" + ("" if step["needed"] else " (only tried: it goes on without)")
        if step["outcome"] != "Allowed" and step["needed"]:
            yield from _layers(step["layers"])
    yield ""
    yield found["conclusion"]
    for fix in found["fixes"]:
        yield f"\nIn account {fix['account']}: {fix['sentence']}"
        if fix["change"] == "add-statement":
            yield json.dumps(fix["statement"], indent=2)
    if unseen := found.get("notSeen"):
        yield f"\nNot looked at: {'; '.join(unseen)}."


def _layers(layers: Any) -> Iterator[str]:
    for layer in layers:
        where = f" by statement {layer['statement']} of {layer['policy']}" if layer["policy"] else ""
        owner = f" (account {layer['account']})" if layer["account"] else ""
        mark = "→" if layer["blocking"] else "?" if layer["says"] == "unknown" else " "
        why = f", for {layer['why']}" if layer.get("why") else ""
        yield f"    {mark} {layer['layer']}{owner}: {layer['says']}{where}{why}"
