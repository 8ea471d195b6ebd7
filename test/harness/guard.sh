# Stops what a parent left behind. Reads "+ pid", "last pid" and "- pid" lines; when its input ends, the parent is
# gone (kill -9 included): what is still listed gets SIGTERM and time to finish, then SIGKILL, and those that come
# last (Redis, which others still write to) only after that.
trap '' INT HUP TERM
others='' last=''

# The words of $1 without $2.
without() {
  for p in $1; do [ "$p" = "$2" ] || echo "$p"; done
}

finish() {
  for pid in $1; do kill -TERM "$pid" 2>/dev/null; done
  tries=0
  for pid in $1; do
    while kill -0 "$pid" 2>/dev/null; do
      tries=$((tries + 1))
      [ "$tries" -gt 400 ] && kill -KILL "$pid" 2>/dev/null
      # A zombie that nobody reaps answers for ever.
      [ "$tries" -gt 420 ] && break
      sleep 0.1
    done
  done
}

while read -r op pid; do
  case $op in
    +) others="$others $pid" ;;
    last) last="$last $pid" ;;
    -) others=$(without "$others" "$pid") last=$(without "$last" "$pid") ;;
  esac
done
finish "$others"
finish "$last"
