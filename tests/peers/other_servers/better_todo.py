#!/usr/bin/env python3
"""better-todo-mcp's own application, with a count of its requests: for the project in the working folder.

Loopback, any free port, named in the first line of output; ends when its standard input does.
"""

import json
import os
import socket
import sys
import threading
from typing import Any

import uvicorn
from mcp_tasks.server import app

log: list[dict[str, Any]] = []


async def counted(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http" or not scope["path"].startswith("/__control/"):
        if scope["type"] == "http":
            log.append({"method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode()})
        await app(scope, receive, send)
        return
    body = json.dumps({"requests": len(log), "counts": {}, "log": log}).encode()
    if scope["path"] in ("/__control/reset", "/__control/forget"):
        log.clear()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
threading.Thread(target=end_with_stdin, daemon=True).start()
print(f"better-todo: http://127.0.0.1:{listener.getsockname()[1]}/tasks", flush=True)
uvicorn.Server(uvicorn.Config(counted, log_level="error", access_log=False)).run(sockets=[listener])
