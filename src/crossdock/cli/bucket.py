"""`crossdock bucket`: buckets whose objects lie in another S3."""

import json
from pathlib import Path
from typing import Any

import click

from crossdock.cli.client import ask_service
from crossdock.cli.options import data_dir_option, output_option
from crossdock.cli.tables import format_table
from crossdock.settings import data_dir_of

KEYS = ("name", "accountId", "region", "to", "endpointUrl", "credentials")
HEADER = ("BUCKET", "ACCOUNT", "REGION", "OBJECTS IN", "ENDPOINT", "CREDENTIALS")
ATTACH_TIMEOUT_S = 120.0
"""The other S3 is tried while the command waits."""

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group(short_help="Attach buckets to other S3s.")
def bucket() -> None:
    """Put Crossdock in front of buckets of any S3: AWS, Ceph, MinIO, SeaweedFS.

    An attached bucket has a name, an owner and a policy here, and its objects there. Crossdock's accounts, roles and
    bucket policies decide who may do what; the other S3 sees one caller, with the credentials that you name.

    \b
    Examples:
      crossdock bucket attach landing --account hub --to s3://incoming/crossdock \\
          --endpoint-url https://s3.example.com:9000 --path-style --credentials-file ~/.s3-credentials
      crossdock bucket list
      crossdock bucket detach landing
    """


@bucket.command(short_help="Let a bucket's objects lie in another S3.")
@click.argument("name")
@click.option("--account", required=True, metavar="ACCOUNT", help="The bucket's owner here: a name or an id.")
@click.option("--to", required=True, metavar="s3://BUCKET/PREFIX", help="The bucket there, and what precedes each key.")
@click.option("--endpoint-url", metavar="URL", help="The other S3.  [default: AWS]")
@click.option("--region", metavar="REGION", help="What requests are signed for.  [default: us-east-1]")
@click.option("--profile", metavar="NAME", help="Credentials of a profile of the user who runs the service.")
@click.option(
    "--credentials-file",
    type=_FILE,
    metavar="FILE",
    help="Credentials of a file as the AWS tools write it, section [default] or --profile.",
)
@click.option("--path-style", is_flag=True, help="Bucket names go into the path, for an S3 without their host names.")
@click.option("--ca-file", type=_FILE, metavar="FILE", help="Certificate authorities, in place of the system's.")
@data_dir_option
def attach(
    name: str,
    account: str,
    to: str,
    endpoint_url: str | None,
    region: str | None,
    profile: str | None,
    credentials_file: Path | None,
    path_style: bool,
    ca_file: Path | None,
    data_dir: Path | None,
) -> None:
    """Let the objects of bucket NAME lie in another S3 from now on.

    NAME is made when there is none; one that holds objects is refused. First a probe object is listed, put, read and
    deleted there: what fails is said, and then nothing is changed. Attaching again changes where the objects are looked
    for. The service reads the files, and again whenever the credentials change; it keeps no secret of them. Without
    --profile and --credentials-file it looks where the AWS tools do, as the service's user.

    \b
    Examples:
      crossdock bucket attach landing --account hub --to s3://incoming/crossdock \\
          --endpoint-url https://s3.example.com:9000 --path-style --credentials-file ~/.s3-credentials
      crossdock bucket attach archive --account partner --to s3://archive --region eu-central-1 --profile storage
    """
    backing: dict[str, Any] = {
        "to": to,
        "endpoint_url": endpoint_url or "",
        "region": region or "",
        "profile": profile or "",
        "credentials_file": _absolute(credentials_file),
        "path_style": path_style,
        "ca_file": _absolute(ca_file),
    }
    question = {"do": "attach", "name": name, "account": account, "backing": backing}
    answer = ask_service(data_dir_of(data_dir), "/buckets", question=question, timeout_s=ATTACH_TIMEOUT_S)
    click.echo(f"attached {name}: its objects lie in {_told(answer)}")


@bucket.command(short_help="Take an attached bucket away; its objects stay.")
@click.argument("name")
@data_dir_option
def detach(name: str, data_dir: Path | None) -> None:
    """Delete the attached bucket NAME here, with its policy. Its objects stay where they are.

    Users who come to NAME are told that there is no such bucket. Uploads that were left unfinished there are aborted,
    and how many could not be is said. `aws s3api delete-bucket` does the same, and the log says it.

    \b
    Examples:
      crossdock bucket detach landing
    """
    answer = ask_service(data_dir_of(data_dir), "/buckets", question={"do": "detach", "name": name})
    click.echo(f"detached {name}: its objects stay in {_told(answer)}")
    if answer.get("aborted"):
        click.echo(f"aborted the unfinished uploads there: {answer['aborted']}")
    if answer.get("stayed"):
        click.echo(
            f"could not abort unfinished uploads there: {answer['stayed']}. Their parts stay until that S3 ends them, "
            f"as by a lifecycle rule ({answer['reason']})",
            err=True,
        )
    elif answer.get("reason"):
        click.echo(
            f"could not see whether there are unfinished uploads there: the service looks again ({answer['reason']})",
            err=True,
        )


@bucket.command("list", short_help="Show all buckets, and where their objects lie.")
@data_dir_option
@output_option(people="table", shown="A table for people")
def list_buckets(data_dir: Path | None, output: str) -> None:
    """Show the buckets of all accounts, and where their objects lie; - for those that lie here.

    \b
    Examples:
      crossdock bucket list
      crossdock bucket list -o json | jq -r '.[] | select(.to != "") | .name'
    """
    found: list[dict[str, str]] = ask_service(data_dir_of(data_dir), "/buckets", question={"do": "list"})["buckets"]
    if output == "json":
        click.echo(json.dumps([{key: one[key] for key in KEYS} for one in found], indent=2))
    elif found:
        click.echo(format_table(HEADER, [_row(one) for one in found]))
    else:
        click.echo("no buckets: make one with `aws s3 mb …`, or `crossdock bucket attach …`")


def _row(one: dict[str, str]) -> tuple[str, ...]:
    where = (one["to"], one["endpointUrl"] or "AWS", one["credentials"]) if one["to"] else ("-", "-", "-")
    return (one["name"], one["accountId"], one["region"], *where)


def _told(answer: dict[str, str]) -> str:
    return f"{answer['to']} at {answer['endpointUrl'] or 'AWS'}, reached with {answer['credentials']}"


def _absolute(path: Path | None) -> str:
    return "" if path is None else str(path.absolute())
