#!/bin/sh
# Starts Redis with the password of the Secret, which so stands in no argument and no ConfigMap.
set -eu
umask 077
printf 'requirepass "%s"\nmasterauth "%s"\n' "$REDIS_PASSWORD" "$REDIS_PASSWORD" > /run/redis/auth.conf
exec redis-server /etc/redis/redis.conf
