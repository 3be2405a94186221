#!/usr/bin/env python3
"""fastmcp with one tool, `manage_task`, that always gives the answer in the file named by the first argument.

Loopback, any free port, named in the first line of output; ends when its standard input does.
"""

import json
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from fastmcp import FastMCP

PAYLOAD = json.loads(Path(sys.argv[1]).read_text())
server = FastMCP("fastmcp-task-server")


@server.tool
def manage_task(action: str, status: str | None = None, limit: int | None = None) -> type(PAYLOAD):
    """List tasks."""
    return PAYLOAD


def end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    print(f"fastmcp server: http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.http_app(path="/mcp")
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])


main()
