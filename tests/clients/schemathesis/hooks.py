"""Makes tasks that keep the schema keep the rules of this server too, so that most are stored, read and cancelled."""
import os
import re
from urllib.parse import quote

import schemathesis
from schemathesis import GenerationMode

FILES = os.environ["FILES"]
PATHS = ("workdir", "stdin", "stdout", "stderr")
MOST = 1000  # cores, gigabytes and items


def absolute(path):
    return "/fuzz/" + re.sub(r"[^\w.-]|^\.+", "_", path)[:50]


def taken(body):
    executors = [
        {
            **executor,
            **{name: absolute(executor[name]) for name in PATHS if name in executor},
            "image": "alpine",
            "command": ["true", *(text.replace("\0", "") for text in executor["command"])],
        }
        for executor in body["executors"] or [{"command": []}]
    ]
    task = {**body, "executors": executors}
    task.pop("volumes", None)
    for executor in executors:
        executor.pop("env", None)
    task["inputs"] = [
        {"path": f"/in/{n}", "content": one.get("content") or "-"} for n, one in enumerate(body.get("inputs", []))
    ]
    task["outputs"] = [
        {**one, "path": f"/out/{n}", "type": "FILE", "url": f"file://{FILES}/{quote(one['path'], safe='')[:50]}{n}"}
        for n, one in enumerate(body.get("outputs", []))
    ]
    for one in task["outputs"]:
        one.pop("path_prefix", None)
    wanted = body.get("resources", {})
    task["resources"] = {
        name: min(max(value, 1), MOST)
        for name, value in wanted.items()
        if name in ("cpu_cores", "ram_gb", "disk_gb")
    }
    return task


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.label == "POST /tasks" and case.meta.generation.mode is GenerationMode.POSITIVE:
        case.body = taken(case.body)


@schemathesis.check
def view_conformance(context, response, case):
    """The schema of an answer allows for every view; this one knows which was asked for."""
    if response.status_code != 200 or case.operation.label not in ("GET /tasks", "GET /tasks/{id}"):
        return
    minimal = (case.query or {}).get("view", "") in ("", "MINIMAL")
    body = response.json()
    for task in body.get("tasks", [body]):
        assert (set(task) == {"id", "state"}) if minimal else ("executors" in task), task
