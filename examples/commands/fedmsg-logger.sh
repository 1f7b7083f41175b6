# Whatever a script has to say, as text or as JSON; it fails when nobody takes it.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-tail --count 1 --timeout 60 --jq '.topic, .msg.answer' > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    echo '{"answer": 42}' | fedmsg-logger --json-input --modname deep --topic thought --timeout 10
done
cat heard
kill $relay && wait $relay
echo lost | fedmsg-logger --timeout 0.1 2> complaint || echo "status $?"
# Output: status 69
