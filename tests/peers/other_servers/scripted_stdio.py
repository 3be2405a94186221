#!/usr/bin/env python3
"""A program on its standard streams, good or faulty: the file named by the first argument has its mode.

Each start adds the line `started` to the file named by the second argument, then each line that it reads.
`modern`, `legacy`, `mute` and `exits` are servers; `mute` ignores and `exits` ends at a request before the
handshake. The others are faults.
"""

import json
import os
import sys
import time
from pathlib import Path

MODE, _, OPTION = Path(sys.argv[1]).read_text().strip().partition(" ")
TASK = {"id": "1", "title": "From a program", "status": "todo"}
RESULT = {"content": [{"type": "text", "text": json.dumps({"tasks": [TASK]})}]}
LEGACY = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}


def note(line: str) -> None:
    with open(sys.argv[2], "a") as log:
        log.write(line.strip() + "\n")


def send(message: object) -> None:
    print(json.dumps(message), flush=True)


def result(id: object, value: object) -> None:
    send({"jsonrpc": "2.0", "id": id, "result": value})


def error(id: object, code: int, message: str, **data: object) -> None:
    send({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message, "data": data}})


def read() -> dict:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    note(line)
    return json.loads(line)


def modern(message: dict) -> None:
    if message["method"] == "tools/call" and "_meta" in message["params"]:
        result(message["id"], RESULT)
    else:
        error(message["id"], -32022, "modern only", supported=["2026-07-28"])


phase = "new"


def legacy(message: dict) -> None:
    global phase
    method = message["method"]
    if method == "initialize":
        phase = "greeted"
        result(message["id"], LEGACY)
    elif method == "notifications/initialized" and phase == "greeted":
        phase = "ready"
    elif phase == "ready":
        result(message["id"], RESULT)
    elif MODE == "exits":
        sys.exit(1)
    elif MODE != "mute":
        error(message["id"], -32602, "Received request before initialization was complete")


def asks(message: dict) -> None:
    """Asks four things before it answers."""
    send({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}})
    for id, method in (("p", "ping"), (7, "roots/list"), (8, "sampling/createMessage"), (9, "elicitation/create")):
        send({"jsonrpc": "2.0", "id": id, "method": method, "params": {}})
        read()
    modern(message)


def noisy(message: dict) -> None:
    print("Starting the server ...\n\n[info] ready", flush=True)
    modern(message)


def refuses(message: dict) -> None:
    """No tool of that name, in either era."""
    if message["method"] == "initialize":
        error(message["id"], -32601, "no such method")
    else:
        error(message["id"], -32602, "unknown tool")


def foreign(message: dict) -> None:
    result(message["id"] + 100, RESULT)


def nameless(message: dict) -> None:
    error(None, -32603, "cannot read the request")


def long(message: dict) -> None:
    result(message["id"], "x" * (2 << 20))


def floods(message: dict) -> None:
    while True:
        os.write(1, b"\n" * 65536)


def asks_without_end(message: dict) -> None:
    while True:
        send({"jsonrpc": "2.0", "id": "i" * 100_000, "method": "roots/list", "params": {}})


def text(message: dict) -> None:
    print("usage: this is not a server", flush=True)


def silent(message: dict) -> None:
    pass


def closes(message: dict) -> None:
    os.close(1)
    time.sleep(300)


def dies(message: dict) -> None:
    print("the first line\n" + OPTION, file=sys.stderr, flush=True)
    sys.exit(3)


note("started")
if MODE == "slow":
    time.sleep(float(OPTION))
answer = {"mute": legacy, "exits": legacy, "slow": modern}.get(MODE) or globals()[MODE]
while True:
    answer(read())
