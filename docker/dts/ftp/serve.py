"""FTP for user `dts` with the password of DTS_SECRET: the folder it is given, port 2121, passive ports up to 2140."""

import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

secret = os.environ['DTS_SECRET']
if len(secret) < 16:
    sys.exit('DTS_SECRET is not set, or has less than 16 characters: see docker/.env.example')
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user('dts', secret, sys.argv[1], perm='elradfmwMT')
FTPHandler.passive_ports = range(2122, 2141)
FTPServer(('0.0.0.0', 2121), FTPHandler).serve_forever()
