"""The command itself: a throw-away folder, a service, the story, and with --keep what to try next."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import click

from crossdock.cli.demo.narration import aws_command
from crossdock.cli.demo.service import Service, running_service
from crossdock.cli.demo.story import Story
from crossdock.core.errors import CrossdockError


def _new_directory(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and value.exists() and not (value.is_dir() and not any(value.iterdir())):
        raise click.BadParameter(f"{value} is there already: the demo begins with a new or an empty directory")
    return value


@click.command(short_help="See it work: two accounts, one FTP server.")
@click.option("--keep", is_flag=True, help="Stay up afterwards, and print what to try next.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    callback=_new_directory,
    metavar="DIR",
    help="A new directory that is kept.  [default: a throw-away directory, whatever CROSSDOCK_DATA_DIR is]",
)
def demo(keep: bool, data_dir: Path | None) -> None:
    """Play the story of two accounts: one FTP server, two users, a bucket in each account.

    Runs on a throw-away directory and free ports with real clients, checks every step, and takes about ten seconds.
    Exits with 0 only if every step was seen to work.

    \b
    Examples:
      crossdock demo
      crossdock demo --keep
    """
    with tempfile.TemporaryDirectory(prefix="crossdock-demo-") as name:
        folder = Path(name)
        data_dir = (data_dir or folder / "data").absolute()
        log = folder / "service.log"
        click.echo("Crossdock demo: an FTP server in account hub (111111111111), a bucket of partner (222222222222)")
        click.echo(f"The commands below work as they are after: export CROSSDOCK_DATA_DIR={data_dir}")
        try:
            with running_service(data_dir, log, region="us-east-1") as service:
                story = Story(service, folder)
                asyncio.run(story.tell())
                if keep:
                    _stay(service, story, data_dir)
        except KeyboardInterrupt:
            raise click.Abort from None
        except CrossdockError as error:
            click.secho(f"\n✗ {error}", fg="red", err=True)
            click.echo("\n".join(log.read_text().splitlines()[-20:]), err=True)
            sys.exit(1)


def _stay(service: Service, story: Story, data_dir: Path) -> None:
    user = story.user("user2")
    secret = {"SecretId": f"aws/transfer/{story.server_id}/user2"}
    click.echo("\nThe service stays up until Ctrl-C. In another shell:\n")
    for line in (
        f"export CROSSDOCK_DATA_DIR={data_dir}",
        'eval "$(crossdock env hub)"',
        "crossdock endpoints",
        aws_command("hub", "secretsmanager", "GetSecretValue", secret),
        f"lftp -u {user.name} -p {user.port} {user.host}",
        "crossdock exec partner -- aws s3 ls s3://partner-inbox-222222222222",
        f"crossdock exec hub -- aws logs tail /aws/transfer/{story.server_id} --since 1h",
        "crossdock exec partner -- aws s3api delete-bucket-policy --bucket partner-inbox-222222222222",
    ):
        click.secho(f"   $ {line}", fg="cyan")
    with suppress(KeyboardInterrupt):
        service.process.wait()
