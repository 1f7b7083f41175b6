# What is on the bus, filtered and in a form of one's own.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-tail --topic 'com.example.*.shop.#' --count 1 --timeout 60 \
    --format '{{ username }} has {{ msg.items | length }} things' > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    echo '{"items": ["tea", "cup"]}' |
        LOGNAME=ada fedmsg-logger --json-input --modname shop --topic sale --timeout 10
done
cat heard
kill $relay && wait $relay
# Output: ada has 2 things
