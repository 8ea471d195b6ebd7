# Stops what a parent left behind. Reads "+ pid" and "- pid" lines; when its input ends, the parent is gone
# (kill -9 included), and what is still listed gets SIGTERM, newest first, each given time to finish, then
# SIGKILL. Children are listed in the order in which they start: Redis first, so it is stopped last.
trap '' INT HUP TERM
list=''
while read -r op pid; do
  case $op in
    +) list="$pid $list" ;;
    -) rest=''
       for p in $list; do [ "$p" = "$pid" ] || rest="$rest $p"; done
       list=$rest ;;
  esac
done
for pid in $list; do
  kill -TERM "$pid" 2>/dev/null || continue
  tries=0
  while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -gt 200 ] && kill -KILL "$pid" 2>/dev/null
    sleep 0.1
  done
done
