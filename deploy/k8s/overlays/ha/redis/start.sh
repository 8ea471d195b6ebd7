#!/bin/sh
# Starts Redis as the primary, or as a replica of the one that is.
set -eu
umask 077
. /etc/redis/auth.sh
. /etc/redis/primary.sh
{
  auth
  printf 'replica-announce-ip %s\n' "$self"
  cat /etc/redis/redis-ha.conf
} > /run/redis/auth.conf
primary="$(primary)"
if [ "$primary" != "$self" ]; then
  printf 'replicaof %s 6379\n' "$primary" >> /run/redis/auth.conf
fi
echo "starting, the primary is $primary"
exec redis-server /etc/redis/redis.conf
