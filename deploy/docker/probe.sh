#!/bin/bash
# Succeeds when GET <path> on a port of this container answers 200. The images hold no curl, and a Node process for
# each look would cost more than the look.
#   probe [port] [path]        default: $PORT /healthz
set -euo pipefail
port="${1:-${PORT:-8080}}"
path="${2:-/healthz}"
exec 3<>"/dev/tcp/127.0.0.1/${port}"
# Not the shell's own printf, which writes line by line: uWebSockets.js may answer and close in between.
env printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "${path}" >&3
IFS=' ' read -r -t 2 _ status _ <&3
[[ "${status}" == 200* ]]
