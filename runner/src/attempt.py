"""How an attempt goes from its plan to its report."""

import errno
import fcntl
import os
import time

from .base import clean_text, Failure, log, os_text, signal, Stopped, VERSION
from .formats import loads
from .job import Job
from .beacons import Pulse
from .paths import normal
from .host import Roots
from .rights import rights_in
from .tree import Tree
from .removal import remove_stale, remove_tree, take_away
from .layout import Layout
from .inputs import Inputs
from .live import mount_live
from .bubblewrap import Bubblewrap
from .engines import Docker, Podman
from .apptainer import Apptainer
from .watchdog import REPORTED, Watchdog
from .executors import Executors
from .outputs import Outputs

RESERVE = 1 << 20
RUNTIMES = {'docker': Docker, 'podman': Podman, 'apptainer': Apptainer, 'bubblewrap': Bubblewrap}
AUTO = ('podman', 'docker', 'apptainer', 'bubblewrap')


def choose_runtime(job):
    kind = job.plan['runtime']['kind']
    refused = []
    for name in AUTO if kind == 'auto' else (kind,):
        runtime = RUNTIMES[name](job)
        try:
            runtime.probe()
            job.host['runtime'] = name
            return runtime
        except Failure as failure:
            if kind != 'auto':
                raise
            refused.append('%s: %s' % (name, failure))
    raise Failure(
        'RUNTIME_MISSING', 'no container runtime answers on this host (%s)' % '; '.join(refused)
    )


def preflight(job):
    wanted = job.plan['limits'].get('disk_bytes')
    if wanted:
        space = os.statvfs(job.own)
        free = space.f_bavail * space.f_frsize
        job.host['free_bytes'] = str(free)
        if free < wanted:
            raise Failure('DISK_FULL', '%d bytes are free, %d are wanted' % (free, wanted))
    return choose_runtime(job)


def attempt(job):
    """The phases in order; the state of an attempt in which nothing of the system failed."""
    runtime = job.runtime = preflight(job)
    job.phase = 'layout'
    job.roots = Roots(job)
    job.watchdog = Watchdog(job, runtime)  # Before there are threads: it goes on as a fork.
    job.pulse.start()
    mount_live(job, runtime)
    layout = Layout(job.plan)
    tree = Tree(job.own + '/fs', runtime.owner, runtime.folder_mode)
    for mount, place in zip(job.plan['mounts'], job.roots.mounts):
        path = normal(mount['path'], 'mount')
        layout.make_folder(tree, path)
        tree.mount(path, place, rights_in(place.info, runtime.owner), mount['mode'] == 'rw')
    layout.make(tree)
    job.phase = 'inputs'
    job.interruptible = True
    job.check()
    Inputs(job, tree, layout, runtime).bring()
    job.interruptible = False
    succeeded = Executors(job, tree, layout, runtime).run()
    job.phase = 'outputs'
    job.interruptible = True
    job.check()
    Outputs(job, tree, succeeded).deliver()
    job.interruptible = False
    return 'COMPLETE' if succeeded else 'EXECUTOR_ERROR'


def judged(job, work):
    """`(state, error)` of `work`, whatever it raises."""
    error = None
    try:
        return work(job), None
    except Stopped:
        pass
    except Failure as failure:
        error = (failure.code, str(failure))
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            error = ('DISK_FULL', os_text(problem))
        else:
            error = ('RUNNER_BUG', trace(problem))
    except Exception as problem:
        error = ('RUNNER_BUG', trace(problem))
    finally:
        job.interruptible = False
    if job.stop == 'CANCELED':
        return 'CANCELED', None
    if job.stop == 'WALLTIME':
        error = ('WALLTIME', 'the attempt took longer than %d s' % job.plan['limits']['walltime_s'])
    log('%s: %s' % error)
    return 'SYSTEM_ERROR', {
        'code': error[0],
        'message': clean_text(error[1].encode('utf-8', 'replace'))[:2000],
        'phase': job.phase,
    }


def trace(problem):
    import traceback

    log(traceback.format_exc())
    return '%s: %s' % (type(problem).__name__, problem)


def take_plan(job):
    """The plan moves to where only we can read it. One that is there already belongs to a start
    that died."""
    if os.path.exists(job.plan_path):
        with open(job.plan_path, 'rb') as file:
            job.plan = loads(file.read().decode())
        raise Failure('INTERRUPTED', 'an earlier start of this job ended without a report')
    os.rename(job.root + '/inputs/plan.json', job.plan_path)
    os.chmod(job.plan_path, 0o600)
    with open(job.plan_path, 'rb') as file:
        job.plan = loads(file.read().decode())
    if job.plan.get('v') != VERSION:
        raise Failure('BAD_PLAN', 'this runner cannot read plan version %r' % job.plan.get('v'))


def begin(job):
    """The part before the gate and the gate itself; then the attempt."""
    try:
        take_plan(job)
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise Failure('BAD_PLAN', 'the plan cannot be read: %s' % error)
    finally:
        job.pulse = Pulse(job)
    walltime = job.plan['limits'].get('walltime_s')
    job.deadline = time.monotonic() + walltime if walltime else None
    with open(job.own + '/reserve', 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE)
    if not job.pulse.gate():
        job.stop = 'CANCELED'
        job.check()
    return attempt(job)


def tidy(job):
    """After the report is out: nobody waits for this."""
    with open(job.report_path) as file:
        os.fsync(file.fileno())
    if job.runtime:
        job.runtime.tidy()
    for name in os.listdir(job.own):
        if name not in ('lock', 'fs'):
            os.unlink(job.own + '/' + name)
    place = take_away(job)
    if job.watchdog:
        job.watchdog.tell(REPORTED)
    remove_tree(place)
    remove_stale(job)
    if job.watchdog:
        job.watchdog.dismiss()


def main():
    job = Job(os.path.dirname(os.getcwd()))
    lock = os.open(job.own + '/lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 75
    if os.path.exists(job.report_path):
        return 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, job.on_signal)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    state, error = judged(job, begin)
    job.phase = 'end'
    text = job.report(state, error)
    saved = job.save(text)
    if job.pulse and job.plan:
        job.pulse.finish()
        job.pulse.end(text)
    try:
        tidy(job)
    except Exception as error:  # The report is out; what is left over is a matter for the log.
        log('tidying up: %r' % error)
    return 0 if saved else 1


if __name__ == '__main__':
    os._exit(main())
