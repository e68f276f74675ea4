"""The command itself: a throw-away folder, a service, the story, and with --keep what to try next."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

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
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="crossdock-demo-") as name:
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


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP leave the block as Ctrl-C does, so that it ends the service and clears its folder away."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        # A second one must not break off what the first began.
        for ending in previous:
            signal.signal(ending, signal.SIG_IGN)
        sys.exit(128 + number)

    # What somebody ignores, as `nohup` does, stays ignored.
    endings = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    previous = {number: signal.signal(number, leave) for number in endings}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


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
        aws_command("hub", "logs", "FilterLogEvents", {"logGroupName": f"/aws/transfer/{story.server_id}"}),
        "crossdock exec partner -- aws s3api delete-bucket-policy --bucket partner-inbox-222222222222",
    ):
        click.secho(f"   $ {line}", fg="cyan")
    with suppress(KeyboardInterrupt):
        service.process.wait()
