"""Publishes with the original fedmsg.publish(), as its configuration in ./fedmsg.d says.

    publish.py NAME [--active] [--subscribers N] [--count N] [--topic T] [--modname M] [--tamper K]
               [--keep-key] [--timeout SECONDS]

Binds the endpoint NAME, or with --active connects to the relay_inbound of the configuration. The
bodies are {"n": 1} to {"n": COUNT}, or without --count one JSON value per line of standard input.
Prints one JSON object per line:

    {"event": "listening"}                     bound, or connecting
    {"event": "subscribed", "subscribers": N}  N subscriptions have arrived: nothing gets lost now
    {"event": "published", "envelope": {...}}  as signed and sent, one per message
    {"event": "done", "messages": N}           flushed to every subscriber

With --keep-key a private key that has been read once is not parsed again for each message, which
is what limits the original to some thirty signatures a second; what it signs is the same.

Ends with status 0 when done, with 3 after SECONDS.

The socket is an XPUB, which is what libzmq builds its PUB on: the same messages, but it also tells
us of each subscription, where the monitor of a PUB socket tells of the connection only, which is
too early to publish. It has no high-water mark, so that a burst is not thinned out (fedmsg sets
none either: its documented 0, "no limit", is left at ZeroMQ's 1000).
"""

import argparse
import functools
import json
import os
import signal
import sys

import zmq


class WatchedContext(zmq.Context):
    """Makes XPUB sockets where fedmsg asks for PUB, and remembers the last one."""

    publisher = None

    def socket(self, kind, *args, **kwargs):
        if kind != zmq.PUB:
            return super().socket(kind, *args, **kwargs)
        socket = super().socket(zmq.XPUB, *args, **kwargs)
        socket.xpub_verbose = True  # tell of every subscription, not only of new topics
        socket.sndhwm = 0
        WatchedContext.publisher = socket
        return socket


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def wait_for_subscriptions(wanted):
    arrived = 0
    while arrived < wanted:
        arrived += WatchedContext.publisher.recv().startswith(b"\x01")
    tell("subscribed", subscribers=arrived)


def keep_key():
    from cryptography.hazmat.primitives import serialization

    serialization.load_pem_private_key = functools.lru_cache(serialization.load_pem_private_key)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--active", action="store_true")
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--count", type=int)
    parser.add_argument("--topic", default="ping")
    parser.add_argument("--modname", default="interop")
    parser.add_argument("--tamper", type=int, metavar="K", help="change each K-th signed body")
    parser.add_argument("--keep-key", action="store_true", help="parse the private key once")
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()

    signal.signal(signal.SIGALRM, lambda *_: os._exit(3))
    signal.setitimer(signal.ITIMER_REAL, options.timeout)

    zmq.Context = WatchedContext
    if options.keep_key:
        keep_key()
    import fedmsg

    name = "relay_inbound" if options.active else options.name
    fedmsg.init(name=name, active=options.active, post_init_sleep=0)
    tell("listening")
    wait_for_subscriptions(options.subscribers)

    if options.count is None:
        bodies = map(json.loads, sys.stdin)
    else:
        bodies = ({"n": n} for n in range(1, options.count + 1))
    messages = 0
    for messages, body in enumerate(bodies, start=1):

        def before_sending(envelope):
            if options.tamper and messages % options.tamper == 0:
                envelope["msg"] = {"tampered": True}
            tell("published", envelope=envelope)

        fedmsg.publish(
            topic=options.topic,
            modname=options.modname,
            msg=body,
            pre_fire_hook=before_sending,
        )
    fedmsg.destroy()  # blocks until every subscriber has been sent everything
    tell("done", messages=messages)


if __name__ == "__main__":
    main()
