# A message of an archive is published once more. The archive here is a file behind a web server.
set -eu
cat > id <<'JSON'
{"topic": "org.example.prod.shop.sale", "msg_id": "2026-1", "timestamp": 1, "i": 1, "msg": "tea"}
JSON
python3 -u -m http.server --bind 127.0.0.1 "${ARCHIVE:-8000}" > archive.log 2>&1 &
archive=$!
fedmsg-relay 2> relay.log &
relay=$!
fedmsg-tail --count 1 --timeout 60 --query topic,msg > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    fedmsg-dg-replay --datagrepper-url "http://127.0.0.1:${ARCHIVE:-8000}" --msg-id 2026-1 --timeout 10
done > replayed
cat heard
kill $relay $archive && wait $relay
# Output: com.example.dev.shop.sale, tea
