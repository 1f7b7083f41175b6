# Asks a running hub whether its consumers are there and well, as monitoring does.
set -eu
cat > hub.toml <<'TOML'
"moksha.monitoring.socket" = "ipc://monitoring-{process}.socket"
[consumers.relay]
kind = "relay"
TOML
export FEDMSG_CONFIG=hub.toml
fedmsg-hub 2> hub.log &
hub=$!
fedmsg-check --timeout 60 --consumer RelayConsumer --format nagios --backlog 100:1000 > state
cut -d ' ' -f 1-2 state
kill $hub && wait $hub
# Output: FEDMSG OK:
