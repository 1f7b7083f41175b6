# How many messages there were of each kind, for collectd.
set -eu
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-collectd --collectd-interval 1 2> collectd.log > counts &
collectd=$!
until grep -q 'logger interval=1 .*:[1-9]' counts; do
    echo hello | fedmsg-logger --timeout 10
done
kill $collectd && wait $collectd
kill $relay && wait $relay
grep -om 1 fedmsg_wallboard-logger counts
# Output: fedmsg_wallboard-logger
