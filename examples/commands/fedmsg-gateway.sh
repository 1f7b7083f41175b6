# A gateway passes the whole bus on at one address, for those who cannot reach all publishers.
set -eu
outside=${GATEWAY:-tcp://127.0.0.1:9940}
cat > gateway.toml <<TOML
[consumers.gateway]
kind = "gateway"
params = { address = "$outside", high_water_mark = 1000 }
TOML
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-gateway --config gateway.toml 2> gateway.log &
gateway=$!
FEDMSG_ENDPOINTS__RELAY_OUTBOUND=$outside fedmsg-tail --count 1 --timeout 60 --query msg.log > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    echo 'to the world' | fedmsg-logger --timeout 10
done
cat heard
kill $gateway && wait $gateway
kill $relay && wait $relay
# Output: to the world
