"""Marks for tests: which runtimes a case is about, and which cases every Python must pass."""


def only(*runtimes):
    def mark(method):
        method.runtimes = runtimes
        return method

    return mark


def core(method):
    method.core = True
    return method
