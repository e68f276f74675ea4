"""Where the servers of other vendors listen: no client is given what is to be theirs."""

import socket
from contextlib import ExitStack

from tests.fakes.sockets import free_ports, own_host


def test_a_port_stays_a_servers_though_a_client_is_given_it():
    host = own_host()
    with ExitStack() as stack:
        for port in free_ports(3):
            client, server = (stack.enter_context(socket.socket()) for _ in range(2))
            client.bind(("127.0.0.1", port))  # as the system does for a connection that it opens
            server.bind((host, port))
            server.listen()


def test_nobody_is_given_a_port_of_another_process_at_its_own_address():
    """Files of SeaweedFS in /tmp are named after ports alone."""
    with socket.socket() as other:
        other.bind(("127.200.0.1", free_ports(1)[0]))
        assert other.getsockname()[1] not in free_ports(200)
