#!/bin/sh
# As the official image: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_USER, POSTGRES_DB and the scripts in
# /docker-entrypoint-initdb.d, run once while the server listens on its socket alone.
set -eu
if [ "$(id -u)" = 0 ]; then
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    export POSTGRES_PASSWORD
  fi
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
user=${POSTGRES_USER:-postgres}
socket="-c listen_addresses= -c unix_socket_directories=/run/postgresql"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  pass=$(mktemp)
  printf '%s' "$POSTGRES_PASSWORD" > "$pass"
  initdb -D "$PGDATA" -U "$user" --pwfile="$pass" --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8
  rm "$pass"
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "$socket" -w start
  [ "${POSTGRES_DB:-postgres}" = postgres ] || createdb -U "$user" "$POSTGRES_DB"
  for script in /docker-entrypoint-initdb.d/*.sh; do
    [ ! -e "$script" ] || sh "$script"
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
[ "$1" != postgres ] || shift
exec postgres -D "$PGDATA" -c 'listen_addresses=*' -c unix_socket_directories=/run/postgresql "$@"
