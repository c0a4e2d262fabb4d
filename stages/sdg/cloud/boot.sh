#!/bin/bash
# What a host does from its first second: ends itself in time, fetches its work with its own role, serves it.
# Values in @ are filled in by stages/sdg/cloud/instances.py; none of them is secret.
exec >/var/log/sim-to-cloud.log 2>&1
set -u
export BUCKET=@bucket@ PREFIX=@prefix@ REGION=@region@ ENDPOINT=@endpoint@

# before all else: whatever goes wrong below, the machine ends, and with it (InstanceInitiatedShutdownBehavior) its disk
systemd-run --on-active=@deadline_seconds@ --timer-property=AccuracySec=1s /usr/sbin/poweroff
last_words() {
    code=$?
    request PUT boot.log /var/log/sim-to-cloud.log
    [ "$code" = 0 ] || { sleep 5; poweroff; }
}
trap last_words EXIT

cat >/opt/objects.py <<'OBJECTS'
@objects@
OBJECTS
request() { python3 /opt/objects.py "$@"; } # GET|PUT NAME FILE: an object of this host, with its role's credentials

set -e
export DEBIAN_FRONTEND=noninteractive HOME=/root
for attempt in 1 2 3 4 5; do
    apt-get update && apt-get install -y python3-venv python3-pip make git && break
    sleep 20
done
mkdir -p /opt/sim-to-cloud && cd /opt/sim-to-cloud
for attempt in $(seq 15); do request GET source.tar.gz /tmp/source.tar.gz && break; sleep 10; done
tar -xzf /tmp/source.tar.gz
python3 -m venv /opt/uv && /opt/uv/bin/pip install -q uv
/opt/uv/bin/uv python install 3.11
make setup PYTHON="$(/opt/uv/bin/uv python find 3.11)"
export PATH="/opt/sim-to-cloud/.venv/bin:$PATH"
@ngc_login@
set +e
while true; do
    python -m stages.sdg.cloud.agent /opt/sim-to-cloud --bucket "$BUCKET" --prefix "$PREFIX" --region "$REGION" \
        --endpoint "$ENDPOINT" --idle-seconds @idle_seconds@ && break
    sleep 10
done
request PUT boot.log /var/log/sim-to-cloud.log
poweroff
