"""Which network addresses a URL of a client may reach."""

import errno

from .base import Failure, os_text, socket
from .urls import shown_url


class AnyAddress:
    """For the server of the job, which may be anywhere."""

    @staticmethod
    def address(url, host, port):
        try:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OSError(errno.EHOSTUNREACH, 'cannot resolve %s' % host) from error
        family, kind, proto, _, sockaddr = found[0]
        return family, kind, proto, sockaddr


class Guard:
    """Which addresses a URL of a client may reach. Names are resolved once and the answer is what
    gets connected."""

    def __init__(self, plan, kind='http'):
        import ipaddress

        self.parse = ipaddress.ip_address
        self.hosts, self.networks = set(), []
        for entry in plan['storage'][kind + '_allow']:
            try:
                self.networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self.hosts.add(entry.lower())

    def address(self, url, host, port):
        """`(family, kind, proto, sockaddr)` to connect to, or a Failure."""
        try:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except UnicodeError:  # A label that is empty, too long or nothing IDNA knows.
            raise Failure('INPUT_REFUSED', 'not a usable URL: ' + shown_url(url))
        except OSError as error:
            raise OSError(errno.EHOSTUNREACH, 'cannot resolve %s: %s' % (host, os_text(error)))
        trusted = host in self.hosts or '%s:%d' % (host, port) in self.hosts
        for family, kind, proto, _, sockaddr in found:
            if not trusted and not self.is_public(sockaddr[0].partition('%')[0]):
                raise Failure(
                    'INPUT_REFUSED', '%s is at a private or local address' % shown_url(url)
                )
        family, kind, proto, _, sockaddr = found[0]
        return family, kind, proto, sockaddr

    def is_public(self, text):
        ip = self.parse(text)
        if any(ip in network for network in self.networks if network.version == ip.version):
            return True
        packed = ip.packed
        if ip.version == 6:  # An IPv4 address in IPv6 clothes: mapped, NAT64, 6to4.
            if ip.ipv4_mapped:
                return self.is_public(str(ip.ipv4_mapped))
            if packed[:12] == bytes.fromhex('0064ff9b') + bytes(8):
                return self.is_public(str(self.parse(packed[12:])))
            if packed[:2] == b'\x20\x02':
                return self.is_public(str(self.parse(packed[2:6])))
        elif packed[0] == 100 and packed[1] & 0xC0 == 64:
            return False
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
