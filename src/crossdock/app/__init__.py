"""Composition root: settings in, a running service out; the only place that picks adapters."""

from crossdock.app.run import run

__all__ = ["run"]
