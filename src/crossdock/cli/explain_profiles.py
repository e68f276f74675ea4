"""The options of `crossdock explain` that let it read AWS itself, and how it does."""

import asyncio
import functools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from crossdock.cli.options import Command
from crossdock.core.object_writing import (
    ALL_BUCKETS,
    CANNED_ACLS,
    CROSS_ACCOUNT,
    ENCRYPTIONS,
    OFF,
    BadWriting,
    ObjectWriting,
    Option,
    read_writings,
)

_OF_WRITING = ("acl", "sse", "kms_key_id", "bucket_key")
_OPTIONS = (
    *("accounts", "region", "endpoint_url", "transfer_profile", "transfer_endpoint_url"),
    *("gateway_role", "external_id", "tag_sessions", "context", *_OF_WRITING),
)

_SPELLED = {"accounts": "account"}


def _pairs(_context: click.Context, option: click.Parameter, texts: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, is_pair, value = text.partition("=")
        if not (name and is_pair and value):
            raise click.BadParameter(f"{text} is not {option.metavar}.")
        if name in found:
            raise click.BadParameter(f"{name} is given twice.")
        found[name] = value
    return found


def _keys(context: click.Context, option: click.Parameter, texts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """A key that is given again has several values."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for name, value in _pairs(context, option, (text,)).items():
            found[name] = (*found.get(name, ()), value)
    return found


def _print_policy(context: click.Context, _option: click.Parameter, is_wanted: bool) -> None:
    if is_wanted and not context.resilient_parsing:
        # Here, as in `ask_profiles`: a question to a service must not wait for what reads AWS.
        from crossdock.adapters.aws.documents.reads import read_policy

        click.echo(json.dumps(read_policy(), indent=2))
        context.exit()


def profile_options(command: Command) -> Command:
    """Adds the options. The command gets `profiles`, and as `aws` what `ask_profiles` takes besides."""

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        aws = {name: given.pop(name) for name in _OPTIONS}
        if not given["profiles"]:
            if unused := [name for name, value in aws.items() if value]:
                raise click.UsageError(f"--{_SPELLED.get(unused[0], unused[0].replace('_', '-'))} belongs to --profile")
        elif given.get("session"):
            raise click.UsageError("--session needs the service's log, and --profile asks no service")
        elif not given.get("server_id"):
            raise click.UsageError("--profile needs --server-id")
        return command(**given, aws=aws)

    for option in reversed(_DECLARED):
        gathered = option(gathered)
    return gathered


_DECLARED = (
    click.option(
        "--profile",
        "profiles",
        metavar="ACCOUNT=PROFILE",
        multiple=True,
        callback=_pairs,
        help="Read AWS with this profile of ~/.aws instead of asking a service. ACCOUNT is a twelve-digit id, a name "
        "of --account, or any other name. Repeat it for each account: the server's, the role's, the bucket's, and the "
        "organization's management account.",
    ),
    click.option(
        "--account",
        "accounts",
        metavar="NAME=ID",
        multiple=True,
        callback=_pairs,
        help="The id that a name of --profile stands for; checked against whose the profile is.",
    ),
    click.option("--region", metavar="REGION", help="With --profile: of the server.  [default: the profile's]"),
    click.option("--endpoint-url", metavar="URL", help="With --profile: of every service, in place of AWS's own."),
    click.option(
        "--gateway-role",
        metavar="ARN",
        help="With --profile: the role (or IAM user) that Crossdock runs as.  [default: none, as AWS's own service "
        "assumes roles; where the Transfer API is Crossdock's, who the profile of the server's account is]",
    ),
    click.option("--external-id", metavar="ID", help="With --profile: what Crossdock's aws.external_id is."),
    click.option("--tag-sessions", is_flag=True, help="With --profile: Crossdock's aws.tag_sessions is on."),
    click.option(
        "--acl",
        type=click.Choice([CROSS_ACCOUNT, OFF, *CANNED_ACLS]),
        metavar="ACL",
        help=f"With --profile: what acl of the bucket is under Crossdock's aws.buckets.  [default: {CROSS_ACCOUNT}, as "
        f"AWS's own service does; {OFF} at another S3 than AWS's]",
    ),
    click.option(
        "--sse",
        type=click.Choice([*ENCRYPTIONS, OFF]),
        metavar="SSE",
        help="With --profile: what sse of the bucket is there.  [default: as the bucket encrypts by itself]",
    ),
    click.option("--kms-key-id", metavar="KEY", help="With --profile: what kms_key_id of the bucket is there."),
    click.option("--bucket-key", is_flag=True, help="With --profile: bucket_key of the bucket is on there."),
    click.option(
        "--transfer-profile",
        metavar="PROFILE",
        help="With --profile: for Crossdock's Transfer API, which has its own key.",
    ),
    click.option(
        "--transfer-endpoint-url",
        metavar="URL",
        help="With --profile: of Crossdock's Transfer API.  [default: AWS_ENDPOINT_URL_TRANSFER, or the profile's]",
    ),
    click.option(
        "--context",
        metavar="KEY=VALUE",
        multiple=True,
        callback=_keys,
        help="With --profile: a condition key that policies ask for and nobody can read, such as aws:SourceIp.",
    ),
    click.option(
        "--print-policy",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_policy,
        help="Print the policy that lets a profile read all that --profile wants, and nothing more.",
    ),
)


def ask_profiles(
    question: Mapping[str, Any], profiles: Mapping[str, str], *, accounts: Mapping[str, str], **aws: Any
) -> Mapping[str, Any]:
    """What a service would answer, from what the profiles may read. Raises CrossdockError."""
    from crossdock.adapters.host.clock import SystemClock
    from crossdock.app.explain_aws import Reading, explain_by_profiles
    from crossdock.app.renewal_failures import warn_on_stderr

    warn_on_stderr()
    given = {name: value for name, value in aws.items() if value}
    writing = _writing({name: given.pop(name) for name in _OF_WRITING if name in given})
    reading = Reading(profiles=profiles, account_ids=accounts, writing=writing, **given)
    return asyncio.run(explain_by_profiles(question, reading, clock=SystemClock(), entropy=os.urandom))


def _writing(options: Mapping[str, Option]) -> ObjectWriting:
    """As the settings would read it."""
    try:
        return read_writings({ALL_BUCKETS: options}).default
    except BadWriting as error:
        raise click.UsageError(f"as aws.buckets: {error}") from error
