#!/bin/sh
# Writes the passwords of the compose stack, once: deploy/compose/secrets, readable by its owner alone.
set -eu
cd "$(dirname "$0")"
if [ -e secrets/services.env ]; then
  echo "deploy/compose/secrets 已有密码，保持不变"
  exit 0
fi
umask 077
mkdir -p secrets
# A letter first: nats-server reads a variable as a value of its own format, where digits could be a number.
word() { printf 'p%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"; }
nats=$(word) services=$(word)
printf '%s' "$(word)" > secrets/postgres.password
printf 'YIWANG_SERVICES_PASSWORD=%s\n' "$services" > secrets/postgres.env
printf 'NATS_PASSWORD=%s\n' "$nats" > secrets/nats.env
printf 'YIWANG_NATS_URL=nats://services:%s@nats:4222\nPGPASSWORD=%s\n' "$nats" "$services" > secrets/services.env
echo "密码已写入 deploy/compose/secrets（只有本用户可读）"
