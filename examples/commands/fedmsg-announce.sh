# A text for people, with a place to read more.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-tail --count 1 --timeout 60 --terse > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    echo 'Back at 10:00' | fedmsg-announce --link https://example.org/outage --timeout 10
done
cat heard
kill $relay && wait $relay
# Output: announce.announcement -- Back at 10:00 https://example.org/outage
