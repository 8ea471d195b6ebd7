#!/bin/sh
# Moves the primary of Redis to one of its replicas without losing a message. See --help.
set -eu

usage() {
  cat << 'EOF'
Moves the primary of Redis to one of its replicas without losing a message:

  1. The primary stops taking writes, for as long as the Sentinels wait for a silent primary at most.
  2. All replicas receive what the primary has, so it does not matter which one is chosen.
  3. A Sentinel promotes a replica, and the old primary follows it at once.
  4. All Sentinels agree on the new primary, and the services find it.

Meanwhile, some seconds, sends wait in the realtime replicas. If anything is wrong before step 3, the primary takes
writes again and nothing has changed.

On Kubernetes, with the overlay ha (needs kubectl; runs in a pod of Redis):
  scripts/failover.sh [--namespace chat]

Anywhere else (needs redis-cli; REDISCLI_AUTH is the password of Redis, SENTINEL_AUTH that of the Sentinels):
  scripts/failover.sh --sentinels 10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379 [--name mymaster]
EOF
}

fail() {
  echo "failover: $*" >&2
  exit 1
}

namespace=chat
sentinels=
name=mymaster
while [ $# -gt 0 ]; do
  case "$1" in
    --help) usage; exit 0 ;;
    --namespace | --sentinels | --name) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    *) usage >&2; exit 2 ;;
  esac
  case "$1" in
    --namespace) namespace=$2 ;;
    --sentinels) sentinels=$(echo "$2" | tr ',' ' ') ;;
    --name) name=$2 ;;
  esac
  shift 2
done

if [ -z "$sentinels" ]; then
  command -v kubectl > /dev/null || fail 'kubectl is missing; or give --sentinels'
  exec kubectl --namespace "$namespace" exec --stdin statefulset/redis --container redis -- sh -s -- --name chat \
    --sentinels redis-0.redis-headless:26379,redis-1.redis-headless:26379,redis-2.redis-headless:26379 < "$0"
fi
command -v redis-cli > /dev/null || fail 'redis-cli is missing'

# ask HOST:PORT COMMAND… of Redis
ask() {
  address=$1
  shift
  timeout 2 redis-cli -h "${address%:*}" -p "${address##*:}" "$@" < /dev/null || echo 'no answer'
}

# The same of a Sentinel.
ask_sentinel() (
  unset REDISCLI_AUTH
  [ -z "${SENTINEL_AUTH:-}" ] || export REDISCLI_AUTH="$SENTINEL_AUTH"
  ask "$@"
)

# The primary as host:port, as a Sentinel sees it; nothing when it does not answer or does not know the name.
primary_of() {
  ask_sentinel "$1" sentinel get-master-addr-by-name "$name" 2> /dev/null |
    awk 'NR == 1 { host = $1 } NR == 2 { print host ":" $1 }'
}

# replication_of HOST:PORT FIELD: a field of INFO replication.
replication_of() {
  ask "$1" info replication 2> /dev/null | tr -d '\r' | sed -n "s/^$2://p"
}

# within SECONDS CONDITION: tries it until it holds.
within() {
  deadline=$(($(date +%s) + $1))
  until "$2"; do
    [ "$(date +%s)" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# Names the first replica that lacks something in $behind.
all_in_sync() {
  offset=$(replication_of "$old" master_repl_offset)
  for replica in $replicas; do
    behind=$replica
    [ "$(replication_of "$replica" slave_repl_offset)" = "$offset" ] || return 1
  done
}

# Names it in $new.
one_promoted() {
  for new in $replicas; do
    [ "$(replication_of "$new" role)" != master ] || return 0
  done
  return 1
}

all_agree() {
  for sentinel in $sentinels; do
    [ "$(primary_of "$sentinel")" = "$new" ] || return 1
  done
}

old=
for sentinel in $sentinels; do
  now=$(primary_of "$sentinel")
  [ -n "$now" ] || fail "the Sentinel $sentinel does not answer, or does not know a primary '$name'"
  [ "${old:-$now}" = "$now" ] || fail "the Sentinels do not agree on the primary: $old or $now"
  old=$now
done
echo "the primary is $old"

quorum=$(ask_sentinel "$sentinel" sentinel ckquorum "$name")
case "$quorum" in OK*) ;; *) fail "the Sentinels could not fail over: $quorum" ;; esac
replicas=$(replication_of "$old" 'slave[0-9]*' | sed -n 's/^ip=\([^,]*\),port=\([0-9]*\),state=online,.*/\1:\2/p')
[ -n "$replicas" ] || fail "the primary $old has no replica that is in sync with it"
down_after=$(ask_sentinel "$sentinel" sentinel master "$name" | sed -n '/^down-after-milliseconds$/{n;p;}')

paused=
release() {
  [ -z "$paused" ] || ask "$old" client unpause > /dev/null
}
trap release EXIT
trap 'exit 1' INT TERM

# No longer, as a pause also keeps the Sentinels waiting: they would start a failover of their own.
answer=$(ask "$old" client pause "$down_after" write)
[ "$answer" = OK ] || fail "the primary $old does not pause: $answer"
paused=yes
echo "writes wait for $down_after ms at most"

within $((down_after / 2000)) all_in_sync || fail "$behind is behind: $old takes writes again"
echo 'all replicas have what it has'

answer=$(ask_sentinel "$sentinel" sentinel failover "$name")
[ "$answer" = OK ] || fail "the Sentinel $sentinel refuses: $answer. $old takes writes again"
# From here on a write to the old primary would be lost: unless it follows the new one, the pause runs out by itself.
paused=
within 30 one_promoted || fail 'no replica was promoted within 30 s: look at the logs of the Sentinels'
answer=$(ask "$old" replicaof "${new%:*}" "${new##*:}")
[ "$answer" = OK ] || fail "the old primary $old does not follow $new: $answer"
paused=yes
# As a Sentinel does it; where the file cannot be written, the start of Redis finds its primary by other means.
ask "$old" config rewrite > /dev/null
echo "$old follows $new"

within 60 all_agree || fail "the Sentinels do not agree on $new after 60 s: look at their logs"
echo "the primary is $new"
