#!/bin/sh
# Builds both images, starts them, runs a task with a file in and a file out, and checks what the images promise.
#   docker/test-image.sh DIRECTORY
# Everything lies below DIRECTORY (10 minutes the first time, 1 afterwards; delete it when done); loopback only.
# Without DOCKER_HOST it starts an engine of its own there, which takes root. Without BASE_NODE and BASE_DEBIAN (names of
# base images) it makes a base from Debian packages and this machine's Node, which takes debootstrap: no registry of
# images is needed, only those of packages. MIRROR names another Debian mirror.
set -eu

[ $# -eq 1 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
repository=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
directory=$(cd "$1" && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}
ca=/etc/ssl/certs/ca-certificates.crt
began=$(date +%s)
passed=0
failed=0
daemon=
server=magnetar-test-$$
pulsar=magnetar-test-pulsar-$$

say() { printf '%4d s  %s\n' $(($(date +%s) - began)) "$*"; }

need() {
  command -v "$1" >/dev/null && return
  say "missing: $1 → apt-get install --no-install-recommends $2"
  exit 1
}

# One line of the result. `set -e` does not hold inside what it calls: there, steps are joined by &&.
check() {
  what=$1
  shift
  if "$@" >"$directory/check.log" 2>&1; then
    passed=$((passed + 1))
    say "ok      $what"
  else
    failed=$((failed + 1))
    say "FAILED  $what"
    sed 's/^/        /' "$directory/check.log"
  fi
}

clean_up() {
  status=$?
  trap - EXIT
  if [ "$failed" -gt 0 ] || [ "$status" -ne 0 ]; then
    docker logs --tail 20 "$server" || true
    docker logs --tail 20 "$pulsar" || true
  fi 2>&1 | sed 's/^/        /'
  docker rm --force --volumes "$server" "$pulsar" >/dev/null 2>&1 || true
  if [ -n "$daemon" ]; then
    kill "$daemon"
    wait "$daemon" || true
    umount "$directory/exec/netns/default" 2>/dev/null || true
  fi
  [ "$passed" -gt 0 ] || [ "$failed" -gt 0 ] || failed=1
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && exit "$status"
  exit 1
}

# Without bridge and rules: it leaves no trace in the network of this machine.
start_engine() {
  need dockerd docker.io
  dockerd --host "unix://$directory/docker.sock" --data-root "$directory/engine" --exec-root "$directory/exec" \
    --pidfile "$directory/docker.pid" --bridge=none --iptables=false >"$directory/dockerd.log" 2>&1 &
  daemon=$!
  export DOCKER_HOST="unix://$directory/docker.sock"
  for _ in $(seq 150); do
    docker version >/dev/null 2>&1 && return
    kill -0 "$daemon" || break
    sleep 0.2
  done
  say "the engine does not start: $directory/dockerd.log"
  exit 1
}

# A Debian with this machine's Node, npm and certificate authorities, laid out as in the public images of Node.
make_base() {
  need debootstrap debootstrap
  root=$directory/base
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$directory/debootstrap.log"
  cp "$(command -v node)" "$root/usr/local/bin/node"
  mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/include"
  cp -R "$(npm root --global 2>/dev/null)/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  headers=$(dirname "$(dirname "$(command -v node)")")/include/node
  [ ! -d "$headers" ] || cp -R "$headers" "$root/usr/local/include/node"
  find /usr/local/share/ca-certificates -name '*.crt' -exec cp -t "$root/usr/local/share/ca-certificates" {} +
  chroot "$root" update-ca-certificates >/dev/null
  tar -C "$root" -c . | docker import --change "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    --change "ENV NODE_EXTRA_CA_CERTS=$ca" --change "ENV PIP_CERT=$ca" - magnetar-test-base >/dev/null
  rm -rf "$root"
}

# Package registries are reached through this machine's network and proxies.
build() {
  docker build --network host --build-arg HTTP_PROXY --build-arg HTTPS_PROXY --build-arg NO_PROXY \
    --build-arg "BASE=$2" --file "$repository/$3" --tag "$1" "$repository" >"$directory/build-$1.log" 2>&1 && return
  tail -n 30 "$directory/build-$1.log"
  exit 1
}

free_ports() {
  node -e "const { createServer } = require('net');
    const servers = [0, 0].map((port) => createServer().listen(port, '127.0.0.1'));
    setTimeout(() => { console.log(...servers.map((one) => one.address().port)); process.exit(); }, 50);"
}

start_containers() {
  # shellcheck disable=SC2046 # two numbers
  set -- $(free_ports)
  server_port=$1
  pulsar_port=$2
  token=$(node -p "require('crypto').randomBytes(24).toString('hex')")
  mkdir -p "$directory/files"
  [ "$(id -u)" -ne 0 ] || chown 1000:1000 "$directory/files"
  sed -e "s|magnetar:8080|127.0.0.1:$server_port|" -e "s|pulsar:8913|127.0.0.1:$pulsar_port|" \
    "$repository/docker/magnetar.toml" >"$directory/magnetar.toml"
  chmod 644 "$directory/magnetar.toml"
  PULSAR_TOKEN=$token docker run --detach --name "$pulsar" --network host --init --env PULSAR_TOKEN \
    --env PULSAR_HOST=127.0.0.1 --env "PULSAR_PORT=$pulsar_port" --volume "$directory/files:/files" --cap-drop ALL \
    --security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    --security-opt systempaths=unconfined magnetar-test-pulsar >/dev/null
  PULSAR_TOKEN=$token docker run --detach --name "$server" --network host --init --env PULSAR_TOKEN \
    --env MAGNETAR_SERVER__HOST=127.0.0.1 --env "MAGNETAR_SERVER__PORT=$server_port" \
    --env MAGNETAR_CONFIG=/etc/magnetar/magnetar.toml --env "TES_URL=http://127.0.0.1:$server_port" \
    --volume "$directory/magnetar.toml:/etc/magnetar/magnetar.toml:ro" --volume "$directory/files:/files" \
    --cap-drop ALL --security-opt no-new-privileges magnetar-test >/dev/null
}

is_healthy() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }
is_ready() {
  docker exec "$server" node -e 'fetch(`${process.env.TES_URL}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1))'
}
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.5
  done
}

runs_unprivileged() { [ "$(docker exec "$1" id -u)" = 1000 ]; }
cannot_change_itself() {
  docker exec "$server" sh -c '! touch /opt/magnetar/dist/main.js && ! touch /opt/magnetar/new'
}
holds_what_it_runs() {
  docker exec "$server" sh -ec 'cd /opt/magnetar; ls -A
    for name in src tests scripts .git .npmrc node_modules/typescript; do [ ! -e "$name" ]; done'
}
hides_token() {
  ! {
    docker logs "$server" 2>&1
    docker logs "$pulsar" 2>&1
    docker history --no-trunc magnetar-test
    docker history --no-trunc magnetar-test-pulsar
  } | grep -F -e "$token" -e TOKEN=
}

completes_task() {
  printf 'one\ntwo\n' >"$directory/files/input.txt"
  rm -f "$directory/files/output.md5"
  cat >"$directory/files/task.json" <<'TASK'
{
  "name": "image-test",
  "inputs": [{ "url": "file:///files/input.txt", "path": "/in/input.txt" }],
  "outputs": [{ "url": "file:///files/output.md5", "path": "/out/output.md5" }],
  "executors": [{ "image": "busybox", "command": ["md5sum", "/in/input.txt"], "stdout": "/out/output.md5" }]
}
TASK
  chmod 644 "$directory/files/input.txt" "$directory/files/task.json"
  docker exec "$server" tes submit /files/task.json --wait &&
    cat "$directory/files/output.md5" &&
    grep -q "^$(md5sum <"$directory/files/input.txt" | cut -d' ' -f1) " "$directory/files/output.md5"
}
stops_in_order() {
  docker stop --time 20 "$server" && [ "$(docker inspect --format '{{.State.ExitCode}}' "$server")" = 0 ]
}
remembers_task() {
  docker start "$server" && within 60 is_ready && docker exec "$server" tes ls --state COMPLETE | grep image-test
}

compose_config() {
  PULSAR_TOKEN=some MONGO_PASSWORD=some "$@" --file "$repository/docker/docker-compose.yaml" --profile pulsar --profile dts config --quiet
}
check_compose() {
  if docker compose version >/dev/null 2>&1; then
    check 'docker-compose.yaml is valid' compose_config docker compose
  elif command -v docker-compose >/dev/null; then
    check 'docker-compose.yaml is valid' compose_config docker-compose
  else
    say 'not run: docker-compose.yaml is valid (no docker compose here)'
  fi
}

need docker docker.io
trap clean_up EXIT
trap 'exit 130' INT TERM
[ -n "${DOCKER_HOST:-}" ] || start_engine
check_compose
if [ -z "${BASE_NODE:-}" ] || [ -z "${BASE_DEBIAN:-}" ]; then
  docker image inspect magnetar-test-base >/dev/null 2>&1 || { say 'making a base image'; make_base; }
fi
say 'building the image of Magnetar'
build magnetar-test "${BASE_NODE:-magnetar-test-base}" docker/Dockerfile
say 'building the image of Pulsar'
build magnetar-test-pulsar "${BASE_DEBIAN:-magnetar-test-base}" docker/pulsar/Dockerfile
docker images --format '        {{.Repository}} {{.Size}}' | grep magnetar-test
start_containers
check 'Pulsar is healthy' within 60 is_healthy "$pulsar"
check 'Magnetar is healthy' within 60 is_healthy "$server"
check 'Magnetar is ready: a sandbox has run' within 60 is_ready
check 'Magnetar runs unprivileged' runs_unprivileged "$server"
check 'Pulsar runs unprivileged' runs_unprivileged "$pulsar"
check 'Magnetar cannot change its own program' cannot_change_itself
check 'the image holds only what it runs' holds_what_it_runs
check 'a task with a file in and out completes' completes_task
check 'no log and no layer tells the token' hides_token
check 'SIGTERM ends it in order' stops_in_order
check 'the volume keeps the task' remembers_task
