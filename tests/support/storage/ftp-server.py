"""pyftpdlib on loopback: `ftp-server.py FOLDER [CERTIFICATE [implicit]]` prints its port. User svc writes, as does one with an odd name; anonymous reads.

FTP_HOST is where it listens, FTP_DATA_PORTS the ports that it opens for data."""

import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

folder, certificate = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
implicit = 'implicit' in sys.argv[3:]
authorizer = DummyAuthorizer()
authorizer.add_user('svc', 'svc p@ss', folder, perm='elradfmwMT')
authorizer.add_user('o@d:d/u', 'p@s:s/w%?#', folder, perm='elradfmwMT')
authorizer.add_anonymous(folder)


class Handler(TLS_FTPHandler if certificate else FTPHandler):
    auth_failed_timeout = 0

    def handle(self):
        if implicit:
            self.secure_connection(self.ssl_context)
        super().handle()


Handler.authorizer = authorizer
Handler.max_login_attempts = 1
if certificate:
    Handler.certfile = certificate
    Handler.tls_control_required = Handler.tls_data_required = True
if os.environ.get('FTP_DATA_PORTS'):
    Handler.passive_ports = [int(port) for port in os.environ['FTP_DATA_PORTS'].split(',')]
server = FTPServer((os.environ.get('FTP_HOST', '127.0.0.1'), 0), Handler)
server.max_cons = server.max_cons_per_ip = 0
print(server.address[1], flush=True)
server.serve_forever(handle_exit=False)
