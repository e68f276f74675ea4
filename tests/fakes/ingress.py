"""Security groups by their ids alone."""

from crossdock.core.servers import FileProtocol, Server


class OnlyNamedGroups:
    """Implements `ports.ingress.Ingress`: of the groups there are, each lets in what `admitted` has for it."""

    def __init__(self, *group_ids: str) -> None:
        self.admitted: dict[str, set[str]] = {group_id: set() for group_id in group_ids}

    def is_restricted(self, server: Server) -> bool:
        return any(group_id in self.admitted for group_id in server.security_group_ids)

    def admits(self, server: Server, address: str, *, protocol: FileProtocol, port: int) -> bool:
        known = [self.admitted[group_id] for group_id in server.security_group_ids if group_id in self.admitted]
        return not known or any(address in admitted for admitted in known)
