"""Composition root: settings in, a running service out; the only place that picks adapters."""
