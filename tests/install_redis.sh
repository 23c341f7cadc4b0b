#!/bin/sh
# Brings redis-server for tests/test_scale_out.py where it is missing: Debian's package, its own service not started.
set -e
command -v redis-server >/dev/null && exit 0
apt-get update -qq
# In runlevel 1 a package's service is not started; policy-rc.d says the same where that is not looked at.
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
