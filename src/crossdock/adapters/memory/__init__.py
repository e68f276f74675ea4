"""Twins of the durable adapters that forget everything: for tests, held to the same contract suites."""
