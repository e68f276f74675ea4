"""What of asyncssh's inside the fast path relies on, and whether it is still so.

asyncssh promises none of it. So the text of each function that the fast path stands in for, calls, or shares state
with has its digest here; with any other text there is no fast path but a warning. After an upgrade: read the functions
that are named, look at what the fast path makes of them, and put their new digests here.
"""

import hashlib
import importlib
import inspect
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossdock.sftp.fast_path import FastPaths

_log = logging.getLogger(__name__)

_CONNECTION = "asyncssh.connection:SSHConnection"
_CHANNEL = "asyncssh.channel:SSHChannel"
RELIED_ON: Mapping[str, str] = MappingProxyType(
    {
        # The loop that calls our `_pump`, and what we stand in for.
        f"{_CONNECTION}.data_received": "b2d14a83b2604db6",
        f"{_CONNECTION}._recv_data": "fc4e0735191bb0fd",
        f"{_CONNECTION}._recv_pkthdr": "7adc4d88fe20593c",
        # What we hand packets to; sets `_recv_seq` and `_recv_handler`, and calls us again.
        f"{_CONNECTION}._recv_packet": "b3daa22e9763eee9",
        f"{_CONNECTION}._finish_recv_packet": "e12d96db58b3524e",
        # When there are new keys, and where.
        f"{_CONNECTION}._process_kexinit": "439bdf2fc55e6737",
        f"{_CONNECTION}._process_newkeys": "a0331fe3cfd09d0b",
        f"{_CONNECTION}._process_ignore": "335fb6abf7571c8f",
        f"{_CONNECTION}.send_newkeys": "0b41234420373618",
        # What numbers and pads packets, counts bytes, begins key exchanges, and keeps packets back during one.
        f"{_CONNECTION}.send_packet": "fb9da7bec6dd395a",
        f"{_CONNECTION}._send": "c6698a37eb80f574",
        f"{_CONNECTION}._send_kexinit": "275ddc818b59f44b",
        f"{_CONNECTION}._send_deferred_packets": "c5ef8240853eb331",
        # How a connection ends, and what the transport tells it.
        f"{_CONNECTION}.__init__": "41da2e469f2a3964",
        f"{_CONNECTION}.connection_made": "e7b867af0f590a2c",
        f"{_CONNECTION}.connection_lost": "ea050d93536d711a",
        f"{_CONNECTION}.eof_received": "49d7a5b4cee006fd",
        f"{_CONNECTION}.pause_writing": "a69ec7dae4f504a2",
        f"{_CONNECTION}.resume_writing": "a324675672f6b924",
        f"{_CONNECTION}._force_close": "264b4367525f4f86",
        f"{_CONNECTION}._cleanup": "ea4cd2aed57194e5",
        # What `ssh_thrift.py` stands in for, and what it puts forward.
        f"{_CONNECTION}._set_keepalive_timer": "23a054202a1cb32b",
        f"{_CONNECTION}._cancel_keepalive_timer": "d812058ddd18253c",
        f"{_CONNECTION}._reset_keepalive_timer": "7a9157707c514524",
        f"{_CONNECTION}._keepalive_timer_callback": "6d8aa6656cfc6003",
        f"{_CONNECTION}.create_task": "a9bff2bae35cd56f",
        f"{_CONNECTION}._reap_task": "d6d88bdf86f70401",
        f"{_CONNECTION}.send_userauth_success": "812e749ee2432e4b",
        "asyncssh.auth:Auth.__init__": "ce8a307848f87ff6",
        "asyncssh.auth:Auth.cancel": "10c87ba4959741bd",
        "asyncssh.auth:ServerAuth": "34b21c8e4279419b",
        "asyncssh.packet:SSHPacketLogger": "de9ec4f2bd6dac1f",
        # Windows and states of channels.
        f"{_CHANNEL}.__init__": "c9834d9302839e71",
        f"{_CHANNEL}.send_packet": "00e81b763c8f3dd2",
        f"{_CHANNEL}.close": "2d0f6c05f1998289",
        f"{_CHANNEL}._close_send": "5dcbc60194d9a29b",
        f"{_CHANNEL}._flush_send_buf": "3f11e9dc27c58b18",
        f"{_CHANNEL}._accept_data": "33121e9e185c9850",
        f"{_CHANNEL}._deliver_data": "bd94ccbaa59ab510",
        f"{_CHANNEL}._process_data": "342490795c4b893c",
        f"{_CHANNEL}._process_window_adjust": "7a2e4c4998e0b496",
        f"{_CHANNEL}._process_close": "65c1f876b753b91a",
        f"{_CHANNEL}._process_eof": "ac67e77d1f8a61bc",
        f"{_CHANNEL}._report_response": "b1278076178741d3",
        "asyncssh.channel:SSHServerChannel.exit": "eeccbd21ae581cc9",
        # The state of ciphers and MACs.
        "asyncssh.encryption:BasicEncryption": "15eeacf63ec90d6f",
        "asyncssh.encryption:ETMEncryption": "ea0121ae1d035bc2",
        "asyncssh.encryption:GCMEncryption": "d255f9e6b1fa73ee",
        "asyncssh.encryption:ChachaEncryption": "5902581e97e59135",
        "asyncssh.crypto.cipher:BasicCipher": "2b6f818bf3219eb2",
        "asyncssh.crypto.cipher:GCMCipher": "e389d2b5bed8eb41",
        "asyncssh.crypto.chacha:ChachaCipher": "e678065d67f48c01",
        "asyncssh.crypto.chacha:chacha20": "8fd99dfce8c7c885",
        "asyncssh.mac:MAC": "2e9472eda96256a1",
        "asyncssh.mac:_HMAC": "1de8e893cd46a29c",
    }
)
"""`module:name` -> digest of its text, in asyncssh 2.24.1."""


def fast_paths(relied_on: Mapping[str, str] = RELIED_ON) -> "FastPaths | None":
    """The fast paths of an event loop, or None and a warning if asyncssh is not as expected."""
    if deviating := deviations(relied_on):
        _log.warning("SFTP goes without its fast path: it does not know this asyncssh", extra={"deviating": deviating})
        return None
    # Not at the top: it imports names of asyncssh that another asyncssh may lack.
    from crossdock.sftp.fast_path import FastPaths

    return FastPaths()


def deviations(relied_on: Mapping[str, str]) -> list[str]:
    """Those of the names whose text has another digest, or which are not to be found."""
    return [name for name, expected in relied_on.items() if digest(name) != expected]


def digest(name: str) -> str | None:
    found = text(name)
    return None if found is None else hashlib.sha256(found.encode()).hexdigest()[:16]


def text(name: str) -> str | None:
    """Of a function or class, `module:name`; None if there is none to be read."""
    module, _, path = name.partition(":")
    try:
        thing: object = importlib.import_module(module)
        for part in path.split("."):
            thing = getattr(thing, part)
        return inspect.getsource(thing)  # type: ignore[arg-type]
    except (ImportError, AttributeError, OSError, TypeError):
        return None
