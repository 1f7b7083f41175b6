# A program of one's own for each message, which is its input; never in a command line.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-trigger --topic com.example.dev.logger --once -- tee message.json > /dev/null 2> trigger.log &
trigger=$!
while kill -0 $trigger 2> /dev/null; do
    echo "it's \$(touch harmless)" | fedmsg-logger --timeout 10
done
grep -c harmless message.json > /dev/null
kill $relay && wait $relay
ls
# Output: trigger.log
