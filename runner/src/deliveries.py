"""What of the outputs goes over the network: side by side, told in the order of the walk."""

import os

from .base import parts_of
from .urls import join_url
from .crew import Crew, Dropped
from .hands import Hands
from .relay import relay_address
from .traffic import row_of, Transfer
from .uploads import post_file, put_file, put_folder

OPEN_AHEAD = 16
"""Files that are held open until a connection is free for them."""


class Deliveries:
    def __init__(self, job, traffic):
        self.job, self.traffic = job, traffic
        self.crew = None
        self.begun = {}  # Output -> its pieces: number, and what is told when it has arrived.
        self.targets = {}  # URL -> the last piece that goes there.

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.crew:
            self.crew.__exit__(*failure)

    def add(self, item, told, work):
        self.crew = self.crew or Crew(self.job, lambda: Hands(self.job), OPEN_AHEAD)
        number = self.crew.add(item['i'], work)
        self.begun.setdefault(item['i'], []).append((number, told))
        return number

    def folder(self, item, rel):
        address = relay_address(self.job, 'outputs', item['i'], parts_of(rel))

        def work(hands, check):
            transfer = Transfer(self.traffic, check, self.crew.leave.wait)
            put_folder(transfer, hands.http('relay'), address, item['url'])

        self.add(item, None, work)

    def file(self, item, path, rel, fd, size):
        """The caller may close `fd` right away."""
        is_form = item.get('upload') == 'post'
        url = item['url'] if is_form else join_url(item['url'], rel, True)
        held = Held(fd)
        self.traffic.plan(size)

        def work(hands, check):
            transfer = Transfer(self.traffic, check, self.crew.leave.wait, size)
            http = hands.http(item['method'])
            with held:
                if item['method'] == 'relay':
                    address = relay_address(self.job, 'outputs', item['i'], parts_of(rel))
                    put_file(transfer, http, address, held.fd, size, url)
                elif is_form:
                    name = rel or os.path.basename(path)
                    post_file(transfer, http, url, held.fd, size, name)
                else:
                    put_file(transfer, http, url, held.fd, size, url)
            transfer.finish()
            return transfer

        if url in self.targets and not is_form:
            self.crew.wait(self.targets[url])  # Of two outputs for one URL the last is left there.
        self.targets[url] = self.add(item, (path, url, size), work)

    def finish(self, item):
        """Waits for all of an output; `(path, url, size, seconds, tries)` of what arrived, and the
        first error."""
        arrived, transfers, first = [], [], None
        for number, told in self.begun.get(item['i'], ()):
            try:
                transfer = self.crew.result(number)
                if told:
                    transfers.append(transfer)
                    arrived.append(told + (transfer.seconds, transfer.tries))
            except Dropped:
                pass
            except Exception as error:
                first = first or error
        if transfers:
            self.traffic.note('output %d' % item['i'], item['method'], row_of(transfers))
        return arrived, first


class Held:
    """An open file, until it has arrived or nobody wants it any more."""

    def __init__(self, fd):
        self.fd = os.dup(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def __del__(self):
        self.close()
