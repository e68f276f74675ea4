"""python -m tests.aws --hub PROFILE --partner PROFILE: see `--help` and docs/aws.md."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from botocore.exceptions import BotoCoreError, ClientError
from tests.aws.accounts import PREFIX, TAG, Account, Unseen, Wrong, open_account
from tests.aws.building import Built, build, new_run
from tests.aws.reporting import Outcome, Report, Step
from tests.aws.story import STORY, World, open_gateway
from tests.aws.sweeping import sweep

PLAN = f"""\
In the hub, {{hub}}, this makes three roles, one function and one log group; in the partner, {{partner}}, two buckets
with policies. Region {{region}}, at {{endpoint}}. Every name but the log group's begins with {PREFIX}{{run}},
everything has the tag {TAG}={{run}}, and all is deleted at the end, however that comes; what a killed run leaves,
`make test-aws ARGS="--hub … --partner … --region {{region}} --clean"` deletes.

What it costs at AWS's list prices, without any free tier: some 300 requests to S3 (less than 0.002 USD), 100 MB out of
AWS if this machine is not there (0.01 USD), some 20 invocations of 128 MB (less than 0.001 USD), a few kilobytes of
CloudWatch Logs (less than 0.001 USD). No Transfer server, nothing by the hour. Together: less than 0.02 USD.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    try:
        hub = open_account(asked.hub, asked.region)
        partner = open_account(asked.partner, asked.region or hub.region)
    except (BotoCoreError, ClientError) as error:
        print(f"a profile cannot be used: {error}", file=sys.stderr)
        return 1
    if hub.account_id == partner.account_id:
        print(f"both profiles are of account {hub.account_id}: the article's story needs two", file=sys.stderr)
        return 1
    if asked.clean:
        swept = sweep(hub, partner)
        print("\n".join(f"deleted {name}" for name in swept.deleted) or "nothing was deleted")
        for sentence in swept.stayed:
            print(f"NOT DELETED {sentence}", file=sys.stderr)
        return 1 if swept.stayed else 0
    run = new_run()
    endpoint = hub.endpoint_url or "AWS"
    print(PLAN.format(hub=hub.account_id, partner=partner.account_id, region=hub.region, endpoint=endpoint, run=run))
    if not (asked.yes or _agrees()):
        print("Nothing was made. Say --yes to go on.")
        return 2
    report = Report(
        run=run,
        began_at=datetime.now(UTC).isoformat(timespec="seconds"),
        region=hub.region,
        endpoint=endpoint,
        hidden={hub.account_id: "HUB-ACCOUNT", partner.account_id: "PARTNER-ACCOUNT"},
    )
    try:
        _play(hub, partner, report)
    finally:
        if asked.keep:
            print(f"kept: --region {hub.region} --clean deletes it, or this run alone is what has the tag {TAG}={run}")
        else:
            _step(report, "everything is deleted", lambda: _sweep(hub, partner, report))
        for path in report.write(asked.report):
            print(f"report: {path}")
    return 0 if report.passed else 1


def _play(hub: Account, partner: Account, report: Report) -> None:
    built: list[Built] = []

    def begin() -> str:
        built.append(build(hub, partner, report.run))
        return f"server {built[0].server_id}"

    if not _step(report, "roles, function and buckets are made", begin):
        return
    report.hidden |= {built[0].password: "PASSWORD", built[0].external_id: "EXTERNAL-ID"}
    with TemporaryDirectory(prefix=PREFIX) as folder, ExitStack() as stack:
        opened: list[World] = []

        def open_world() -> str:
            gateway = stack.enter_context(open_gateway(hub, built[0], Path(folder)))
            opened.append(World(hub=hub, partner=partner, built=built[0], gateway=gateway))
            return "ready"

        if not _step(report, "the gateway starts", open_world):
            return
        for name, step in STORY.items():
            _step(report, name, lambda step=step: step(opened[0]))
        report.log = opened[0].gateway.log()


def _step(report: Report, name: str, do: Callable[[], str]) -> bool:
    began = time.monotonic()
    try:
        told, outcome = do(), Outcome.OK
    except Unseen as error:
        told, outcome = str(error), Outcome.UNSEEN
    except Exception as error:  # a step that fails is what the report is for
        told, outcome = f"{type(error).__name__}: {error}", Outcome.FAILED
    report.steps.append(Step(name=name, outcome=outcome, seconds=time.monotonic() - began, told=told))
    shown = outcome.upper() if outcome is Outcome.FAILED else outcome
    print(report.hide(f"{shown:6} {name}: {told}"), flush=True)
    return outcome is not Outcome.FAILED


def _sweep(hub: Account, partner: Account, report: Report) -> str:
    swept = sweep(hub, partner, run=report.run)
    report.deleted = swept.deleted
    if swept.stayed:
        raise Wrong(f"{len(swept.deleted)} things are, but not {'; nor '.join(swept.stayed)}")
    return f"{len(report.deleted)} things"


def _agrees() -> bool:
    return sys.stdin.isatty() and input("Go on? [y/N] ").strip().lower() in ("y", "yes")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make test-aws", description="The article's two-account story on AWS, with your own profiles."
    )
    parser.add_argument("--hub", required=True, metavar="PROFILE", help="may make roles, functions and log groups")
    parser.add_argument("--partner", required=True, metavar="PROFILE", help="another account's; may make buckets")
    parser.add_argument("--region", default="", help="of everything; the hub profile's if not given")
    parser.add_argument("--yes", action="store_true", help="go on without asking")
    parser.add_argument("--clean", action="store_true", help="delete what earlier runs left behind, and do no more")
    parser.add_argument("--keep", action="store_true", help="delete nothing at the end")
    parser.add_argument("--report", type=Path, default=Path("test-aws"), metavar="DIR", help="where the report goes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
