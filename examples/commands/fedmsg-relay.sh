# A relay publishes for programs that come and go: whoever has something to say connects to it.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-tail --count 1 --timeout 60 --query msg.log > heard &
tail=$!
# Until somebody has heard it: a subscriber that comes late has missed what was said before.
while kill -0 $tail 2> /dev/null; do
    echo hello | fedmsg-logger --timeout 10
done
cat heard
kill $relay && wait $relay
# Output: hello
