"""Watches the servers there should be, and opens, changes and closes their endpoints accordingly."""

from crossdock.gateway.edges import Edge, Listener
from crossdock.gateway.follow import Gateway

__all__ = ["Edge", "Gateway", "Listener"]
