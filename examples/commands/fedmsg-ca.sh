# A CA in a directory: certificates for those who sign, and a list of those who may not any more.
set -eu
fedmsg-ca init --dir pki > /dev/null
fedmsg-ca issue app01 --dir pki > /dev/null
fedmsg-ca issue app02 --dir pki > /dev/null
fedmsg-ca revoke app01 --dir pki > /dev/null
openssl crl -in pki/crl.pem -noout -text | grep -c 'Serial Number'
# Output: 1
