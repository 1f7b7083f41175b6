"""Listens with the original fedmsg.tail_messages(), as its configuration in ./fedmsg.d says.

    tail.py [--topic PREFIX] [--count N] [--timeout SECONDS]

Listens to every endpoint of the configuration, and validates if it says validate_signatures.
Prints one JSON object per line:

    {"event": "connected", "endpoint": "tcp://…"}      shaken hands, subscription on its way
    {"event": "message", "name": …, "endpoint": …, "topic": …, "envelope": {...}}
    {"event": "rejected", "reason": "…"}               fedmsg's own warning, with the message
    {"event": "done", "messages": N, "rejected": N}

Ends with status 0 after COUNT messages, rejected ones included, with 3 after SECONDS, and as any
Python program with a traceback and 1 when fedmsg dies of a message.
"""

import argparse
import json
import signal
import sys
import threading
import warnings

import zmq
import zmq.utils.monitor


def tell(event, **fields):
    # One write per line: the monitors tell from another thread.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class WatchedContext(zmq.Context):
    """Tells of each connection that fedmsg's SUB sockets make."""

    def socket(self, kind, *args, **kwargs):
        socket = super().socket(kind, *args, **kwargs)
        if kind == zmq.SUB:
            monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            threading.Thread(target=watch, args=(monitor,), daemon=True).start()
        return socket


def watch(monitor):
    while True:
        event = zmq.utils.monitor.recv_monitor_message(monitor)
        tell("connected", endpoint=event["endpoint"].decode())


class Tally:
    """Counts what fedmsg accepts and rejects, and ends the program when that is enough."""

    def __init__(self, count):
        self.count, self.messages, self.rejected = count, 0, 0

    def message(self, name, endpoint, topic, envelope):
        self.messages += 1
        tell("message", name=name, endpoint=endpoint, topic=topic, envelope=envelope)
        self.end_when_enough()

    def warning(self, message, category, *_):
        """Stands in for warnings.showwarning: so does fedmsg report a message it rejects."""
        if category is UserWarning and "invalid message" in str(message):
            self.rejected += 1
            tell("rejected", reason=str(message))
            self.end_when_enough()

    def end_when_enough(self):
        if self.messages + self.rejected == self.count:
            self.end(0)

    def end(self, status):
        tell("done", messages=self.messages, rejected=self.rejected)
        raise SystemExit(status)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic", default="")
    parser.add_argument("--count", type=int)
    parser.add_argument("--timeout", type=float, default=60)
    options = parser.parse_args()

    zmq.Context = WatchedContext
    import fedmsg

    tally = Tally(options.count)
    warnings.simplefilter("always", UserWarning)  # by default each text is shown once only
    warnings.showwarning = tally.warning
    signal.signal(signal.SIGALRM, lambda *_: tally.end(3))
    signal.setitimer(signal.ITIMER_REAL, options.timeout)
    fedmsg.init(name="relay_inbound", mute=True, active=False, post_init_sleep=0)
    for received in fedmsg.tail_messages(topic=options.topic):
        tally.message(*received)


if __name__ == "__main__":
    main()
