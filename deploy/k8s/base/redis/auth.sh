# Read by the start scripts: prints who may connect, for Redis' configuration. The passwords of the Secret so stand in no
# argument and no ConfigMap. While the password is rotated another one works as well.
auth() {
  printf 'user default on ~* &* +@all >%s' "$REDIS_PASSWORD"
  if [ -n "${REDIS_PASSWORD_ALSO:-}" ]; then printf ' >%s' "$REDIS_PASSWORD_ALSO"; fi
  printf '\nmasterauth %s\n' "$REDIS_PASSWORD"
}
