# A signing relay vouches for those who publish through it.
set -eu
fedmsg-ca init --dir pki > /dev/null
fedmsg-ca issue relay-app01 --dir pki > /dev/null
export FEDMSG_SSLDIR=pki FEDMSG_CA_CERT_LOCATION=pki/ca.crt FEDMSG_CRL_LOCATION=pki/crl.pem
FEDMSG_CERTNAMES__SIGNING_RELAY=relay-app01 fedmsg-signing-relay 2> relay.log &
relay=$!
fedmsg-tail --validate --count 1 --timeout 60 --query msg.log,crypto > heard &
tail=$!
while kill -0 $tail 2> /dev/null; do
    echo hello | fedmsg-logger --timeout 10
done
cat heard
kill $relay && wait $relay
# Output: hello, x509
