#!/usr/bin/env python3
"""An MCP server on its standard streams, on fastmcp or the `mcp` SDK (1.x or 2.x, whichever is installed).

One tool, `manage_task`, that always gives the answer in the file named by the first argument. The second
argument, if given, is a file to which each start adds a line with its process id, the third a pause in
seconds before the start.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ARGUMENTS = sys.argv[1:]
PAYLOAD = json.loads(Path(ARGUMENTS[0]).read_text())
if len(ARGUMENTS) > 1:
    with open(ARGUMENTS[1], "a") as starts:
        starts.write(f"{os.getpid()} {os.getcwd()}\n")
if len(ARGUMENTS) > 2:
    time.sleep(float(ARGUMENTS[2]))

try:
    from fastmcp import FastMCP as Server
except ImportError:
    try:  # mcp 2.x
        from mcp.server.mcpserver import MCPServer as Server
    except ImportError:  # mcp 1.x
        from mcp.server.fastmcp import FastMCP as Server

server = Server("stdio-task-server")


@server.tool()
def manage_task(action: str, status: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """List tasks."""
    return PAYLOAD


server.run(transport="stdio")
