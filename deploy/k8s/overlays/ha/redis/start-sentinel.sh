#!/bin/sh
# Starts Sentinel. Its file lies on the volume: after a stop of all pods it still knows the last primary, its own id
# and the others. The password is written anew at each start.
set -eu
umask 077
. /etc/redis/primary.sh
file=/data/sentinel.conf
# This pod's name must be in DNS, as the others are told it. The primary's is waited for a while only: when its node is
# lost, the Sentinels that are left have to start without it to choose another one.
primary="$(primary)"
waited=0
until getent hosts "$self" > /dev/null && { getent hosts "$primary" > /dev/null || [ "$waited" -ge 30 ]; }; do
  sleep 1
  waited=$((waited + 1))
  primary="$(primary)"
done
if [ ! -f "$file" ]; then
  {
    echo 'port 26379'
    echo 'dir /data'
    echo 'protected-mode no'
    echo 'sentinel resolve-hostnames yes'
    echo 'sentinel announce-hostnames yes'
    echo "sentinel announce-ip $self"
    echo "sentinel monitor chat $primary 6379 2"
    echo 'sentinel down-after-milliseconds chat 5000'
    echo 'sentinel failover-timeout chat 30000'
    echo 'sentinel parallel-syncs chat 1'
  } > "$file.new"
  mv "$file.new" "$file"
fi
sed -i '/^sentinel auth-pass /d' "$file"
printf 'sentinel auth-pass chat %s\n' "$REDIS_PASSWORD" >> "$file"
exec redis-server "$file" --sentinel
