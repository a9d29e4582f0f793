#!/bin/sh
# Writes the secrets of the compose file into ./secrets, where they are missing. None that is there is touched.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets tls
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
write() { # write NAME VALUE
    [ -s "secrets/$1" ] || printf '%s\n' "$2" >"secrets/$1"
}
write database_password "$(random 24)"
write database_url "mysql+pymysql://geomsa:$(cat secrets/database_password)@database/geomsa"
write s3_access_key "geomsa-$(random 6)"
write s3_secret_key "$(random 24)"
write grafana_password "$(random 12)"
# Made when Geomsa runs: docker compose exec app python -m core api-key add prometheus --role worker
[ -e secrets/metrics_key ] || : >secrets/metrics_key
# The folder is closed; each container is given the files it needs, and its user must be able to read them.
chmod 700 secrets
chmod 644 secrets/*
echo "secrets are in $(pwd)/secrets; keep this folder closed to others, and a copy of it beside your backups"
