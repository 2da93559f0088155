#!/bin/sh
# The node's login and its database. The login makes one role a service and acts as each in its own schema
# (createrole_self_grant, PostgreSQL 16 and newer); `yiwang restore` makes the database anew (createdb).
set -eu
psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres <<SQL
create role yiwang login createrole createdb password '$YIWANG_SERVICES_PASSWORD';
alter role yiwang set createrole_self_grant = 'set, inherit';
create database yw_$YIWANG_NODE owner yiwang;
revoke connect on database yw_$YIWANG_NODE from public;
SQL
