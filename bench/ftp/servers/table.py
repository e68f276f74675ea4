"""The servers that Crossdock's FTP stands beside."""

from collections.abc import Mapping

from bench.ftp.servers.proftpd import proftpd
from bench.ftp.servers.pureftpd import pureftpd
from bench.ftp.servers.pyftpdlib import pyftpdlib
from bench.ftp.servers.vsftpd import vsftpd
from bench.harness.servers.running import Adapter

PEERS: Mapping[str, Adapter] = {
    "vsftpd": vsftpd,
    "proftpd": proftpd,
    "pure-ftpd": pureftpd,
    "pyftpdlib": pyftpdlib,
}
