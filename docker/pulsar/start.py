"""Writes Pulsar's two files from the environment and becomes Pulsar; `--check` asks the running one how it is."""

import json
import os
import sys
import urllib.parse
import urllib.request

ROOT = '/pulsar'
APP = ROOT + '/app.yml'
INI = ROOT + '/server.ini'
SHORTEST_TOKEN = 16


def check():
    with open(APP, encoding='utf-8') as file:
        app = json.load(file)
    query = urllib.parse.urlencode({'private_token': app['private_token']})
    host = os.environ['PULSAR_HOST']
    place = '%s:%s' % ('127.0.0.1' if host == '0.0.0.0' else host, os.environ['PULSAR_PORT'])
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open('http://%s/healthz?%s' % (place, query), timeout=4) as answer:
        return 0 if answer.status == 200 else 1


def write(path, text):
    # A secret is in it: never readable by others, not even for a moment.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        file.write(text)


def start():
    # Out of the environment, which jobs inherit in part.
    token = os.environ.pop('PULSAR_TOKEN', '')
    if len(token) < SHORTEST_TOKEN:
        sys.exit('PULSAR_TOKEN must have %d characters or more: openssl rand -hex 24' % SHORTEST_TOKEN)
    folders = {name: '%s/%s' % (ROOT, name) for name in ('staging', 'persist', 'dependencies', 'tmp', 'run')}
    for folder in folders.values():
        os.makedirs(folder, mode=0o700, exist_ok=True)
    # The runner uses the system's Python: its sandbox does not show the folder of Pulsar.
    manager = {'type': 'queued_python', 'env_TES_PYTHON': os.path.realpath(sys.executable)}
    app = {
        'staging_directory': folders['staging'],
        'persistence_directory': folders['persist'],
        'tool_dependency_dir': folders['dependencies'],
        'private_token': token,
        'conda_auto_init': False,
        'conda_auto_install': False,
        'managers': {'_default_': manager},
    }
    write(APP, json.dumps(app, indent=2))
    address = (os.environ['PULSAR_HOST'], os.environ['PULSAR_PORT'])
    write(INI, '[server:main]\nhost = %s\nport = %s\n[app:main]\napp_config = %%(here)s/app.yml\n' % address)
    os.environ.update(TMPDIR=folders['tmp'], XDG_RUNTIME_DIR=folders['run'])
    os.chdir(ROOT)
    program = '/opt/pulsar/bin/python'
    os.execv(program, [program, '-I', '-m', 'pulsar.scripts.serve', INI])


sys.exit(check() if '--check' in sys.argv[1:] else start())
