# A hub hosts what its configuration says: here a relay, a heartbeat and a consumer that logs.
set -eu
cat > hub.toml <<'TOML'
active = true
[consumers.relay]
kind = "relay"
[consumers.audit]
kind = "log"
[producers.heart]
kind = "heartbeat"
every = "100ms"
TOML
fedmsg-hub --config hub.toml 2> hub.log &
fedmsg-tail --count 1 --timeout 60 --query topic
kill $!
wait $! # 0: it has stopped in order, and nothing was lost
# Output: com.example.dev.hub.heartbeat
