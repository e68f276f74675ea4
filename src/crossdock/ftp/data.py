"""A data connection, whichever way its bytes travel; both kinds move them alike."""

from crossdock.ftp.data_plain import PlainConnection
from crossdock.ftp.data_tls import TlsConnection

DataConnection = PlainConnection | TlsConnection
