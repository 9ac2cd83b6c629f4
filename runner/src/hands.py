"""What one thread moves data with: connections of its own."""

from .addresses import Guard
from .relay import RelayHttp
from .requests import Http


class Hands:
    def __init__(self, job):
        self.job = job
        self.made = {}

    def http(self, method):
        """For `direct` or `relay`."""
        if method not in self.made:
            self.made[method] = (
                RelayHttp(self.job)
                if method == 'relay'
                else Http(Guard(self.job.plan), self.job.plan['limits']['stall_s'])
            )
        return self.made[method]

    def close(self):
        for http in list(self.made.values()):
            http.close()

    def abort(self):
        for http in list(self.made.values()):
            http.abort()
