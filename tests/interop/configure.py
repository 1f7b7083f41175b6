"""Writes a fedmsg.d/ for the original programs.

    configure.py DIR [KEY=JSON]...

The programs read ./fedmsg.d/*.py of the directory they are started in, so start them in DIR, and
with HOME=DIR, because they also read /etc/fedmsg.d and ~/.fedmsg.d. A KEY is one of fedmsg's own;
what is not named here or given has fedmsg's own default. Any Python 3 will do.

    configure.py /tmp/r 'relay_inbound="tcp://127.0.0.1:7001"' \\
        'endpoints={"relay_outbound": ["tcp://127.0.0.1:7002"]}'
    (cd /tmp/r && INTEROP_LOOPBACK=1 fedmsg-relay)
"""

import json
import pathlib
import pprint
import sys

SAFE = {
    "zmq_enabled": True,
    "endpoints": {},
    "topic_prefix": "org.fedoraproject",
    "environment": "dev",
    "zmq_reconnect_ivl": 100,
    "zmq_reconnect_ivl_max": 1000,
    "sign_messages": False,
    "validate_signatures": False,
    "crypto_backend": "x509",
    "crypto_validate_backends": ["x509"],
    # Without these fedmsg asks https://fedoraproject.org for its CA and its revocation list.
    "ssldir": "/nonexistent",
    "ca_cert_location": "/nonexistent/ca.crt",
    "crl_location": "/nonexistent/crl.pem",
}


def main():
    directory, *settings = sys.argv[1:] or sys.exit(__doc__)
    config = dict(SAFE)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            sys.exit(f"configure.py: expected KEY=JSON, got {setting!r}")
        config[key] = json.loads(value)
    fedmsg_d = pathlib.Path(directory, "fedmsg.d")
    fedmsg_d.mkdir(parents=True, exist_ok=True)
    text = pprint.pformat(config, width=100, sort_dicts=False)
    (fedmsg_d / "interop.py").write_text(f"config = {text}\n")


if __name__ == "__main__":
    main()
