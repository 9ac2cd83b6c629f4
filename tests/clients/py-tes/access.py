"""A small workflow with credentials: `access.py URL FOLDER KIND SECRET`; prints the last state, or the status of a refusal."""
import sys

import requests
import tes

URL, FOLDER, KIND, SECRET = sys.argv[1:5]
USER = {"token": {"token": SECRET}, "password": {"user": "ada", "password": SECRET}}

client = tes.HTTPClient(URL, timeout=30, **USER[KIND])
made = "file://%s/%s-made" % (FOLDER, KIND)


def run(command, **more):
    executor = tes.Executor(image="any", command=["sh", "-c", command])
    return client.wait(client.create_task(tes.Task(executors=[executor], **more)), timeout=60)


try:
    first = run("echo made > /work/made", outputs=[tes.Output(url=made, path="/work/made")])
    second = run("grep made /work/made", inputs=[tes.Input(url=made, path="/work/made")])
    print(first.state, second.state, client.get_task(second.id, "FULL").logs[0].logs[0].stdout)
except requests.exceptions.HTTPError as error:
    print("refused: %d" % error.response.status_code)
