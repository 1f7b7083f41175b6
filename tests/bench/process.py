"""How many messages a second pass a consumer of kind `process` whose program only acknowledges.

Run with the Python of the interop tests, which has pyzmq, after `cargo build --release --bin fedmsg-hub`:

    target/interop/venv/bin/python tests/bench/process.py [MESSAGES] [each]

Publishes as many small messages as it is told (default 500000) to a hub of its own. The program says how long it
took from its first message to its last; with `each` it acknowledges every message by itself.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import zmq

CONFIG = """
endpoints = {{ bench = "tcp://127.0.0.1:{port}", relay_outbound = [] }}
high_water_mark = 0
relay_inbound = []

[consumers.ack]
kind = "process"
topics = "bench.#"
mailbox = {{ messages = 10_000, when_full = "block" }}
params.argv = {argv}
params.window = 255
"""


def acknowledge(count, answers):
    """Is the program: acknowledges, and tells standard error how fast that was."""
    sys.stdin.buffer.readline()
    print('{"type":"hello"}', flush=True)
    taken, start = 0, None
    for line in sys.stdin.buffer:
        start = start or time.monotonic()
        taken += 1
        is_last = not line.endswith(b'"more":true}\n')
        if answers == "each":
            number = line[len(b'{"type":"message","id":'):].split(b",", 1)[0]
            sys.stdout.buffer.write(b'{"type":"ack","id":%b}\n' % number)
        elif is_last:
            sys.stdout.buffer.write(b'{"type":"ack","upto":%d}\n' % json.loads(line)["id"])
        if is_last:
            sys.stdout.buffer.flush()
        if taken == count:
            print(f"took {time.monotonic() - start}", file=sys.stderr, flush=True)


def measure(count, answers):
    """Runs a hub with that program and prints its rate."""
    socket = zmq.Context.instance().socket(zmq.XPUB)
    socket.sndhwm = 0
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    argv = [sys.executable, os.path.abspath(__file__), "--program", str(count), answers]
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(CONFIG.format(port=port, argv=json.dumps(argv)))
        config.flush()
        words = ["target/release/fedmsg-hub", "--config", config.name, "--log", "warn"]
        hub = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        socket.recv()  # it has subscribed
        body = b'{"topic":"bench.a","msg":{"n":%d},"msg_id":"2026-%d","timestamp":1795842018,"i":%d}'
        for number in range(count):
            socket.send_multipart((b"bench.a", body % (number, number, number)))
        took = next(line for line in hub.stderr if "took " in line)
        hub.terminate()
        hub.communicate()
    seconds = float(took.split("took ", 1)[1].split('"', 1)[0].split()[0])
    print(f"{count / seconds:,.0f} messages a second ({answers})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--program"]:
        acknowledge(int(sys.argv[2]), sys.argv[3])
    else:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
        measure(count, sys.argv[2] if len(sys.argv) > 2 else "batches")
