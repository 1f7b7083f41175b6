#!/usr/bin/env python3
"""Greets whom a message names: a consumer of kind `process`, see consumers/README.md."""
import json
import sys


def say(**line):
    print(json.dumps(line), flush=True)


greeting = json.loads(sys.stdin.readline())["params"]["greeting"]
say(type="hello")
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "message":
        name = message["body"]["msg"]["name"]
        say(type="publish", topic="greeted", msg=f"{greeting}, {name}!")
        say(type="ack", id=message["id"])
