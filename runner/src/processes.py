"""Starting programs without `subprocess`, and asking short questions of command line tools."""

import os
import select
import time

from .base import clean_text, Failure, signal


def spawn(argv, env, stdin, stdout, stderr, keep=(), prepare=None):
    """fork and exec by hand: `subprocess` costs 15 ms to import. Every other fd of ours closes on
    exec."""
    try:
        argv = [os.fsencode(part) for part in argv]
        env = {os.fsencode(key): os.fsencode(value) for key, value in env.items()}
    except (UnicodeError, ValueError) as error:
        raise Failure('BAD_COMMAND', str(error))
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.umask(0o022)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            for number, fd in enumerate((stdin, stdout, stderr)):
                os.dup2(fd, number)
            for fd in keep:
                os.set_inheritable(fd, True)
            if prepare:
                prepare()
            os.execvpe(argv[0], argv, env)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        except BaseException as error:
            os.write(2, repr(error).encode())
            os.write(tell, b'0')
        os._exit(127)
    os.close(tell)
    trouble = os.read(told, 16)
    os.close(told)
    if trouble:
        os.waitpid(pid, 0)
        number = int(trouble)
        raise OSError(number, os.strerror(number) if number else 'cannot start the program')
    return pid


def exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def run_cli(argv, env, timeout, enough=None):
    """`(code, stdout bytes, stderr)` of a short command of a runtime; code 124 after the time
    limit, or `enough` bytes."""
    null = os.open('/dev/null', os.O_RDWR | os.O_CLOEXEC)
    out_in, out_out = os.pipe()
    err_in, err_out = os.pipe()
    try:
        pid = spawn(argv, env, null, out_out, err_out)
    except BaseException:
        os.close(out_in)
        os.close(err_in)
        raise
    finally:
        for fd in (null, out_out, err_out):
            os.close(fd)
    texts, until = {out_in: b'', err_in: b''}, time.monotonic() + timeout
    try:
        waiting = [out_in, err_in]
        while (
            waiting and time.monotonic() < until and not (enough and len(texts[out_in]) >= enough)
        ):
            for fd in select.select(waiting, [], [], 0.2)[0]:
                piece = os.read(fd, 65536)
                if not piece:
                    waiting.remove(fd)
                elif len(texts[fd]) < 1 << 20:
                    texts[fd] += piece
        late = bool(waiting)
        if late:
            os.kill(pid, signal.SIGKILL)
        code = exit_code(os.waitpid(pid, 0)[1])
        return (124 if late else code), texts[out_in], clean_text(texts[err_in])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(out_in)
        os.close(err_in)


def find_program(name):
    for folder in os.environ.get('PATH', DEFAULT_PATH).split(':'):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def children_of(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def last_line(text):
    """What a command line tool says went wrong, without docker's closing advice."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.startswith(('See ', 'Run '))
    ]
    return lines[-1][:500] if lines else 'no message'


OPERATOR_NAMES = (
    'DOCKER_',
    'CONTAINER',
    'PODMAN_',
    'XDG_',
    'REGISTRY_',
    'APPTAINER_',
    'SINGULARITY_',
    'LC_',
)
OPERATOR_EXACT = frozenset(
    'PATH HOME USER LOGNAME TMPDIR LANG SSL_CERT_FILE SSL_CERT_DIR BUILDAH_ISOLATION'.split()
)


def operator_env():
    """What a runtime's command line tool may know: the operator's settings for it, nothing of a
    task, nothing of Pulsar."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in OPERATOR_EXACT
        or name.startswith(OPERATOR_NAMES)
        or name.lower().endswith('_proxy')
    }


DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
