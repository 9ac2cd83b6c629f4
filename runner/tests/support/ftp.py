"""The few words of FTP a download needs, on loopback. It breaks its first transfer off halfway."""

import socketserver
import threading


class FtpServer:
    def __init__(self, files):
        self.files, self.login, self.broken = files, [], False
        owner = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                owner.talk(self)

        self.server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Session)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def talk(self, session):
        import socket

        data, offset = None, 0

        def say(text):
            session.wfile.write((text + '\r\n').encode())

        say('220 ready')
        for line in session.rfile:
            word, _, rest = line.decode().strip().partition(' ')
            if word in ('USER', 'PASS'):
                self.login = (self.login + [rest])[-2:]
                say('331 password' if word == 'USER' else '230 in')
            elif word == 'TYPE':
                say('200 ok')
            elif word == 'SIZE':
                say('213 %d' % len(self.files[rest]) if rest in self.files else '550 no such file')
            elif word in ('EPSV', 'PASV'):
                data = socket.create_server(('127.0.0.1', 0))
                port = data.getsockname()[1]
                say(
                    '229 go (|||%d|)' % port
                    if word == 'EPSV'
                    else '227 go (127,0,0,1,%d,%d)' % divmod(port, 256)
                )
            elif word == 'REST':
                offset = int(rest)
                say('350 ok')
            elif word == 'RETR' and rest in self.files:
                say('150 coming')
                connection, _ = data.accept()
                body = self.files[rest][offset:]
                with connection:
                    connection.sendall(body if self.broken else body[: len(body) // 2])
                self.broken, offset = True, 0
                say('226 done')
            else:
                say('221 bye' if word == 'QUIT' else '550 no')
                if word == 'QUIT':
                    return
