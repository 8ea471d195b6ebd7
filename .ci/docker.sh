# Read by .ci/run: a Docker engine for the tests in containers, from Debian's packages, where none answers. Without one
# those tests are skipped and say so.

docker_pid=""
docker_dir=""

start_docker() {
  docker version > /dev/null 2>&1 && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "no Docker engine answers, and none can be installed here: tests in containers are skipped"
    return 0
  fi
  if ! command -v dockerd > /dev/null || ! command -v debootstrap > /dev/null; then
    echo "== installing a Docker engine"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends docker.io iptables debootstrap > /dev/null || return 0
  fi
  docker version > /dev/null 2>&1 && return 0 # the package may have started it
  docker_dir=$(mktemp -d)
  # Ports are published on the loopback address alone.
  dockerd --data-root "$docker_dir/data" --exec-root "$docker_dir/exec" --pidfile "$docker_dir/pid" --ip 127.0.0.1 \
    > "$docker_dir/log" 2>&1 &
  docker_pid=$!
  for _ in $(seq 60); do
    docker version > /dev/null 2>&1 && return 0
    kill -0 "$docker_pid" 2> /dev/null || break
    sleep 0.5
  done
  echo "dockerd does not start: tests in containers are skipped"
  tail -n 3 "$docker_dir/log"
  stop_docker
}

# Ends the engine that start_docker started, and no other.
stop_docker() {
  [ -n "$docker_pid" ] || return 0
  kill "$docker_pid" 2> /dev/null
  wait "$docker_pid" 2> /dev/null
  docker_pid=""
  rm -rf "$docker_dir"
}
