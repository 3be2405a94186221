#!/usr/bin/env python3
"""The `mcp` Python SDK 1.9 with one tool, `manage_task`, that always gives the answer in the file named by the
first argument. That version sends a list as one content block an element, and nothing structured.

Loopback, any free port, named in the first line of output; ends when its standard input does.
"""

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.fastmcp import FastMCP

PAYLOAD = json.loads(Path(sys.argv[1]).read_text())
server = FastMCP("python-task-server", stateless_http=True, json_response=True)


@server.tool()
def manage_task(action: str, status: str | None = None, limit: int | None = None) -> Any:
    """List tasks."""
    return PAYLOAD


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


requests = 0
app = server.streamable_http_app()


async def counted(scope: Any, receive: Any, send: Any) -> None:
    global requests
    if scope["type"] != "http" or not scope["path"].startswith("/__control/"):
        requests += scope["type"] == "http"
        await app(scope, receive, send)
        return
    if scope["path"] in ("/__control/reset", "/__control/forget"):
        requests = 0
    body = json.dumps({"requests": requests, "counts": {}, "log": []}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
threading.Thread(target=end_with_stdin, daemon=True).start()
print(f"python SDK server: http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
uvicorn.Server(uvicorn.Config(counted, log_level="error", access_log=False)).run(sockets=[listener])
