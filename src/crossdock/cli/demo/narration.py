"""How the demo tells its story: numbered steps, the command that anybody could type, what was seen."""

import json
import re
import time
from collections.abc import Mapping
from shlex import quote
from typing import Any

import click

from crossdock.examples.article import template_path


class Narrator:
    def __init__(self) -> None:
        self._step = 0
        self._began = time.monotonic()

    def step(self, title: str) -> None:
        self._step += 1
        click.echo()
        click.secho(f"{self._step}. {title}", bold=True)

    def command(self, text: str) -> None:
        click.secho(f"   $ {text}", fg="cyan")

    def saw(self, text: str) -> None:
        """What the step showed; it was checked."""
        click.echo(click.style("   ✓ ", fg="green") + text)

    def done(self, text: str) -> None:
        click.echo(click.style("\n✓ ", fg="green") + text)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began


def aws_command(account: str, service: str, operation: str, params: Mapping[str, Any]) -> str:
    """The call as a line for the `aws` command, run by `crossdock exec`; passwords stand as `…`."""
    name = {"s3": "s3api"}.get(service, service)
    options = " ".join(_option(key, value) for key, value in params.items())
    return f"crossdock exec {account} -- aws {name} {_dashed(operation)} {options}".rstrip()


def _dashed(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def _option(name: str, value: Any) -> str:
    option = "--" + _dashed(name)
    if isinstance(value, bool):
        return option if value else f"--no-{option[2:]}"
    if name == "TemplateBody":
        return f"{option} {quote(f'file://{template_path()}')}"
    if name == "SecretString":
        value = json.dumps(
            {key: "…" if key == "Password" else item for key, item in json.loads(value).items()}, ensure_ascii=False
        )
    return f"{option} {quote(str(value) if isinstance(value, str | int) else json.dumps(value))}"
