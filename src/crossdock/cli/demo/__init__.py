"""`crossdock demo`: the article, narrated, with real clients on a throw-away service."""

from crossdock.cli.demo.command import demo

__all__ = ["demo"]
