#!/bin/sh
# Starts Redis.
set -eu
umask 077
. /etc/redis/auth.sh
auth > /run/redis/auth.conf
exec redis-server /etc/redis/redis.conf
