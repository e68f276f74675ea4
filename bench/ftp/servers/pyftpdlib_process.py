"""pyftpdlib's own process, under the Python of .bench: plain FTP on one port, FTPS on another.

python -P pyftpdlib_process.py '{"user": …, "password": …, "folder": …, "plain": PORT, "tls": PORT, …}'
"""

# mypy: disable-error-code="import-not-found, misc"
import json
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.log import config_logging
from pyftpdlib.servers import FTPServer

told = json.loads(sys.argv[1])
config_logging(level="WARNING")
authorizer = DummyAuthorizer()
authorizer.add_user(told["user"], told["password"], told["folder"], perm="elradfmwMT")


class Plain(FTPHandler):
    passive_ports = range(told["ports"][0], told["ports"][1] + 1)


class Tls(TLS_FTPHandler):
    passive_ports = Plain.passive_ports
    certfile = told["pem"]
    tls_control_required = True
    tls_data_required = True


for handler in (Plain, Tls):
    handler.authorizer = authorizer
servers = [FTPServer(("127.0.0.1", told["tls"]), Tls), FTPServer(("127.0.0.1", told["plain"]), Plain)]
for server in servers:
    server.max_cons = 1000
servers[-1].serve_forever()
