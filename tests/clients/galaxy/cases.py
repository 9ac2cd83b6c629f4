"""What Pulsar's TES client, and Galaxy through it, does with pydantic-tes: `cases.py URL CASE`."""
import sys
import time

import requests
from pydantictes.api import RequestResponseError, TesClient
from pydantictes.models import TesExecutor, TesResources, TesState, TesTask

URL = sys.argv[1]
LIMIT_S = 60

# As Pulsar's destination parameter tes_url may be written.
client = TesClient(url=URL)


def staged(*scripts):
    """Stage in, tool, stage out: one after another in the same volume."""
    return TesTask(
        name="pulsar-1",
        executors=[
            TesExecutor(image="galaxy/pulsar-pod-staging", command=["sh", "-c", script], workdir="/")
            for script in scripts
        ],
        volumes=["/pulsar_staging/"],
        resources=TesResources(cpu_cores=1),
    )


def ended(task_id):
    end = time.monotonic() + LIMIT_S
    while True:
        task = client.get_task(task_id, "FULL")
        if task.state not in (TesState.QUEUED, TesState.INITIALIZING, TesState.RUNNING):
            return task
        assert time.monotonic() < end, "%s is still %s" % (task_id, task.state)
        time.sleep(0.1)


def chain():
    """C18, C33, C35: every unset field is sent as null, and the volume is shared."""
    task = staged("echo in > /pulsar_staging/f", "tr a-z A-Z < /pulsar_staging/f", "rm /pulsar_staging/f")
    assert '"logs":null' in task.model_dump_json()
    got = ended(client.create_task(task).id)
    assert got.state == TesState.COMPLETE, got
    assert [one.exit_code for one in got.logs[0].logs] == [0, 0, 0]
    assert got.logs[0].logs[1].stdout == "IN\n"


def failure():
    """C13, C35: the tool fails, and nothing is staged out."""
    got = ended(client.create_task(staged("true", "exit 4", "true")).id)
    assert got.state == TesState.EXECUTOR_ERROR
    assert [one.exit_code for one in got.logs[0].logs] == [0, 4]


def cancel():
    """C4"""
    task_id = client.create_task(staged("sleep 600")).id
    client.get_task(task_id, "FULL")
    client.cancel_task(task_id)
    assert ended(task_id).state == TesState.CANCELED
    client.cancel_task(task_id)


def leaks():
    """C19: what older versions put into the resources is ignored and never shown."""
    body = staged("true").model_dump()
    body["resources"].update(tes_url=URL, authorization="basic", basic_auth={"username": "u", "password": "s3cret"})
    answer = requests.post(URL + "/v1/tasks", json=body)
    assert answer.status_code == 200, answer.text
    task_id = answer.json()["id"]
    ended(task_id)
    assert "s3cret" not in requests.get(URL + "/v1/tasks/" + task_id, params={"view": "FULL"}).text


def addresses():
    """C1, C14: with a path it must end with a slash."""
    for path in ("", "/", "/ga4gh/tes/"):
        other = TesClient(url=URL + path)
        info = other.service_info()
        assert info.type.artifact == "tes", info
        assert other.list_tasks().tasks is not None


def errors():
    """C2"""
    for call in (lambda: client.get_task("none", "FULL"), lambda: client.cancel_task("none")):
        try:
            call()
            raise AssertionError("not refused")
        except RequestResponseError as error:
            assert error.__cause__.response.status_code == 404


CASES = [chain, failure, cancel, leaks, addresses, errors]

if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[2]]()
