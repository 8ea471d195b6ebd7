# Read by the two start scripts: names, and who is primary.
# Addresses are names, not IPs: a pod keeps its name when it moves.
self="$(hostname).redis-headless.${POD_NAMESPACE}.svc.cluster.local"

name_of() {
  echo "redis-$1.redis-headless.${POD_NAMESPACE}.svc.cluster.local"
}

# Prints the primary: what the other Sentinels say, else what this pod's own Sentinel wrote down before it stopped,
# else redis-0 (the first start of all).
primary() {
  for n in 0 1 2; do
    other="$(name_of "$n")"
    [ "$other" = "$self" ] && continue
    found="$(timeout 3 env -u REDISCLI_AUTH redis-cli -h "$other" -p 26379 --raw sentinel get-master-addr-by-name chat 2>/dev/null | head -n 1)"
    case "$found" in redis-*) echo "$found"; return ;; esac
  done
  found="$(sed -n 's/^sentinel monitor chat \([^ ]*\) .*/\1/p' /data/sentinel.conf 2>/dev/null | tail -n 1)"
  echo "${found:-$(name_of 0)}"
}
