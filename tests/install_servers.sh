#!/bin/sh
# Installs the servers and the browser that tests use, where they are missing and apt-get is at hand.
# Without them the tests that need them are skipped and say so.
set -eu
missing=""
need() { # need PACKAGE COMMAND...
    package=$1
    shift
    for candidate in "$@"; do
        if command -v "$candidate" >/dev/null 2>&1; then return 0; fi
    done
    missing="$missing $package"
}
PATH="$PATH:/usr/sbin:/usr/local/sbin"
need chromium chromium chromium-browser google-chrome
need mariadb-server mariadbd mysqld
need mosquitto mosquitto
# What reads the files of deploy/; the proxy also stands in front of the tests of several instances.
need caddy caddy
need nginx nginx
need prometheus promtool
need docker-compose docker-compose
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
ls /usr/share/fonts/truetype/nanum/*.ttf >/dev/null 2>&1 || missing="$missing fonts-nanum"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed (no apt-get):$missing; the tests that need them are skipped" >&2
    exit 0
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# The tests start their own servers on free ports; the packages' own services are not wanted.
if ! { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends $missing; } >/tmp/geomsa-apt.log 2>&1; then
    tail -5 /tmp/geomsa-apt.log >&2
    echo "could not install:$missing; the tests that need them are skipped" >&2
fi
