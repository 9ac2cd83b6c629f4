"""What a program with py-tes does, one function per case: `cases.py URL FOLDER CASE`.

Runs with py-tes 1.1 and 0.4. Each case makes its own tasks, waits for states and never for time.
"""
import datetime
import json
import os
import sys
import time
import uuid

import requests
import tes
from tes.models import ListTasksResponse

URL, FOLDER = sys.argv[1:3]
NEW = hasattr(tes.HTTPClient("http://localhost"), "urls")
LIMIT_S = 60

client = tes.HTTPClient(URL, timeout=10)
unique = uuid.uuid4().hex[:12]


def sh(script, **more):
    return tes.Executor(image="any", command=["sh", "-c", script], **more)


def create(script="true", **more):
    return client.create_task(tes.Task(executors=[sh(script)], **more))


def reached(task_id, state):
    end = time.monotonic() + LIMIT_S
    while True:
        now = client.get_task(task_id, "MINIMAL").state
        if now == state:
            return
        assert now in ("QUEUED", "INITIALIZING", "RUNNING"), now
        assert time.monotonic() < end, "%s is still %s" % (task_id, now)
        time.sleep(0.05)


def refused(call):
    """The status and the answer of a call that the server refuses."""
    try:
        call()
    except requests.exceptions.HTTPError as error:
        return error.response.status_code, error.response.json()
    raise AssertionError("not refused")


def listed(**parameters):
    """py-tes has no arguments for filters: its own request with more of them, read with its own models."""
    answer = requests.get(URL + "/v1/tasks", **client._request_params(params=parameters))
    answer.raise_for_status()
    page = tes.utils.unmarshal(answer.json(), ListTasksResponse)
    return [task.id for task in page.tasks], page.next_page_token


def files():
    """C23, C26, C31: what was written is the user's own."""
    with open(os.path.join(FOLDER, "a 1%.txt"), "w") as file:
        file.write("in\n")
    task_id = client.create_task(
        tes.Task(
            inputs=[tes.Input(url="file://" + FOLDER + "/a 1%.txt", path="/work/in", type="FILE")],
            outputs=[tes.Output(url="file://" + FOLDER + "/new/out.txt", path="/work/out", type="FILE")],
            executors=[sh("tr a-z A-Z < /work/in > /work/out", workdir="/work")],
        )
    )
    assert client.wait(task_id, timeout=LIMIT_S).state == "COMPLETE"
    with open(FOLDER + "/new/out.txt") as file:
        assert file.read() == "IN\n"
    (out,) = client.get_task(task_id, "FULL").logs[0].outputs
    assert (out.path, out.size_bytes) == ("/work/out", 3), out
    os.unlink(FOLDER + "/new/out.txt")
    os.rmdir(FOLDER + "/new")


def views():
    """C8, C9, C10, C11, C12"""
    task = tes.Task(
        name=unique,
        description="",
        inputs=[
            tes.Input(path="/in/a", content="typed\n", type="FILE"),
            tes.Input(path="/in/empty", content="", type="FILE"),
        ],
        outputs=[],
        resources=tes.Resources(cpu_cores=1, ram_gb=0.25, disk_gb=0.5, preemptible=False),
        executors=[sh('cat /in/a /in/empty; echo "$V" >&2', env={"V": "w"}), sh("true")],
        volumes=["/data/"],
        tags={"case": "views", "unique": unique},
    )
    task_id = client.create_task(task)
    assert client.wait(task_id, timeout=LIMIT_S).state == "COMPLETE"
    minimal = client.get_task(task_id, "MINIMAL").as_dict()
    assert minimal == {"id": task_id, "state": "COMPLETE"}, minimal
    basic = client.get_task(task_id, "BASIC")
    log = basic.logs[0]
    assert isinstance(basic.creation_time, datetime.datetime)
    assert log.start_time.tzinfo is not None and log.start_time <= log.end_time
    assert [one.exit_code for one in log.logs] == [0, 0]
    assert [one.stdout for one in log.logs] == [None, None] and log.system_logs is None
    assert basic.inputs[0].content is None
    full = client.get_task(task_id, "FULL")
    assert [(one.stdout, one.stderr) for one in full.logs[0].logs] == [("typed\n", "w\n"), ("", "")]
    assert [one.content for one in full.inputs] == ["typed\n", ""]
    assert all(isinstance(line, str) for line in full.logs[0].system_logs or [])
    got = full.as_dict()
    sent = task.as_dict()
    for key in ("id", "state", "creation_time", "logs"):
        got.pop(key)
    assert got == sent, json.dumps([got, sent], indent=1)
    assert client.get_task(task_id).as_dict() == basic.as_dict()


def failure():
    """C13, C35, C40"""
    task_id = client.create_task(tes.Task(executors=[sh("echo why >&2; exit 7"), sh("true")]))
    assert client.wait(task_id, timeout=LIMIT_S).state == "EXECUTOR_ERROR"
    (log,) = client.get_task(task_id, "FULL").logs[0].logs
    assert (log.exit_code, log.stderr) == (7, "why\n"), log
    missing = tes.Input(url="file://" + FOLDER + "/none", path="/in", type="FILE")
    task_id = create(inputs=[missing])
    assert client.wait(task_id, timeout=LIMIT_S).state == "SYSTEM_ERROR"
    (log,) = client.get_task(task_id, "FULL").logs
    assert log.logs == [] and "INPUT_FAILED" in "".join(log.system_logs), log


def paging():
    """C15: every task once, newest first, and no token on the last page."""
    made = [create(name="%s-%d" % (unique, at)) for at in range(5)]
    seen, token = [], None
    for _ in range(1000):
        page = client.list_tasks(view="MINIMAL", page_size=2, page_token=token)
        assert 1 <= len(page.tasks) <= 2
        seen += [task.id for task in page.tasks]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)), seen
    assert [one for one in seen if one in made] == made[::-1], (seen, made)
    for view in ("MINIMAL", "BASIC", "FULL"):
        (newest,) = client.list_tasks(view=view, page_size=1).tasks
        assert newest.id == made[-1]
        assert (newest.name is None) == (view == "MINIMAL")
    for one in made:
        client.wait(one, timeout=LIMIT_S)


def filters():
    """C15"""
    red = create(name=unique + "-red", tags={"run": unique, "colour": "red"})
    blue = create("false", name=unique + "-blue", tags={"run": unique, "colour": "blue"})
    for one in (red, blue):
        client.wait(one, timeout=LIMIT_S)
    assert listed(name_prefix=unique) == ([blue, red], None)
    assert listed(name_prefix=unique, state="COMPLETE") == ([red], None)
    assert listed(tag_key=["run", "colour"], tag_value=[unique, "blue"]) == ([blue], None)
    assert listed(name_prefix=unique + "-r", nonsense="1") == ([red], None)
    first, token = listed(name_prefix=unique, page_size=1)
    assert first == [blue] and token
    assert listed(name_prefix=unique, page_size=1, page_token=token)[0] == [red]


def cancel():
    """C4, C38: also twice, and of a task that has ended."""
    task_id = create("sleep 600")
    reached(task_id, "RUNNING")
    assert client.cancel_task(task_id) is None
    assert client.wait(task_id, timeout=LIMIT_S).state == "CANCELED"
    client.cancel_task(task_id)
    assert client.get_task(task_id, "MINIMAL").state == "CANCELED"
    done = create()
    client.wait(done, timeout=LIMIT_S)
    client.cancel_task(done)
    assert client.get_task(done, "MINIMAL").state == "COMPLETE"


def wait():
    """C13: its wait takes any other state than three for the end."""
    task_id = create("sleep 600")
    try:
        client.wait(task_id, timeout=1)
        raise AssertionError("did not wait")
    except tes.utils.TimeoutError:
        pass
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=LIMIT_S).state == "CANCELED"


def service_info():
    """C3, C9, C14"""
    info = client.get_service_info()
    assert info.name and any(FOLDER.startswith(one[len("file://"):]) for one in info.storage), info
    if NEW:
        assert info.type["artifact"] == "tes" and info.organization["url"].startswith("http"), info
    else:
        assert set(info.as_dict()) <= {"name", "doc", "storage"}


def errors():
    """C2, C6, C24"""
    status, body = refused(lambda: client.get_task("no-such-task", "MINIMAL"))
    assert status == 404 and isinstance(body, dict), body
    assert refused(lambda: client.cancel_task("no-such-task"))[0] == 404
    assert refused(lambda: client.create_task(tes.Task(executors=[])))[0] == 400
    assert refused(lambda: create(inputs=[tes.Input(path="relative", content="x", type="FILE")]))[0] == 400
    escape = tes.Input(url="file://" + FOLDER + "/../secret", path="/in", type="FILE")
    status, body = refused(lambda: create(inputs=[escape]))
    assert (status, body["code"]) == (403, "STORAGE_REFUSED"), body
    assert refused(lambda: client.list_tasks(page_token="nonsense"))[0] == 400
    assert refused(lambda: listed(page_size=0))[0] == 400
    assert refused(lambda: listed(state="NONSENSE"))[0] == 400


def addresses():
    """C1, C2: every address that the client can be given, slash or not."""
    task_id = create()
    paths = ["", "/", "/ga4gh/tes"] + (["/ga4gh/tes/v1", "/ga4gh/tes/v1/", "/v1"] if NEW else [])
    for path in paths:
        other = tes.HTTPClient(URL + path, timeout=10)
        assert other.get_task(task_id, "MINIMAL").id == task_id
        mine = other.create_task(tes.Task(executors=[sh("true")], name=unique + "-address"))
        other.wait(mine, timeout=LIMIT_S)
        other.cancel_task(mine)
        other.list_tasks(page_size=1)
        other.get_service_info()
    made = len(listed(name_prefix=unique + "-address")[0])
    assert made == len(paths), "%d tasks for %d addresses" % (made, len(paths))


def credentials():
    """C16: without access control any are ignored."""
    task_id = create()
    for who in ({"user": "funnel", "password": "wrong"}, {"token": "nonsense"}, {}):
        assert tes.HTTPClient(URL, timeout=10, **who).get_task(task_id, "MINIMAL").id == task_id


CASES = [
    files, views, failure, paging, filters, cancel, wait, service_info, errors, addresses, credentials,
]

if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[3]]()
