"""A consumer for the original fedmsg-hub: prints what it is given.

    PYTHONPATH=tests/interop fedmsg-hub --with-consumers recorder:Recorder

Needs `interop.recorder.enabled` in the configuration; listens to `interop.recorder.topic`, "*" if
that is missing. Prints one JSON object per line, between the log lines of the hub:

    {"event": "ready"}                                     subscribed
    {"event": "message", "topic": …, "envelope": {...}}    passed fedmsg's validation

With `interop.recorder.count` it prints nothing of the messages but, when so many have passed,
{"event": "counted"}.
"""

import json
import sys

from fedmsg.consumers import FedmsgConsumer


def tell(event, **fields):
    # One write per line: log lines come from other threads.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class Recorder(FedmsgConsumer):
    config_key = "interop.recorder.enabled"

    def __init__(self, hub):
        self.topic = hub.config.get("interop.recorder.topic", "*")
        self.left = hub.config.get("interop.recorder.count")
        super().__init__(hub)
        tell("ready")

    def consume(self, message):
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                tell("counted")
            return
        tell("message", topic=message["topic"], envelope=message["body"])
