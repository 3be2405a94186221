#!/usr/bin/env python3
"""Deterministic task server for tests: MCP over Streamable HTTP plus plain REST endpoints.

It runs on the real `mcp` Python SDK. With mcp 2.x one process speaks both eras (2026-07-28 and the
initialize-handshake revisions); with mcp 1.x it is a genuine legacy-only peer. Everything else (REST, bearer
check, faults, request log) is a small ASGI layer in front of the SDK's application, so the REST paths below
the MCP path (/mcp/manage_task) never reach the SDK. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any

import uvicorn

try:  # mcp 2.x: dual era
    from mcp.server.mcpserver import MCPServer

    SDK = 2
except ImportError:  # mcp 1.x: legacy only
    from mcp.server.fastmcp import FastMCP

    SDK = 1

MODERN = "2026-07-28"
NAMESPACE = uuid.UUID("6f1d6c1e-2b50-4c0f-9f57-0d4b7c1f7a10")
STATUSES = ["todo", "in_progress", "blocked", "review", "done"]
PRIORITIES = ["low", "medium", "high", "urgent", "critical"]
VERBS = ["Fix", "Write", "Review", "Measure", "Remove", "Document", "Split", "Retry"]
LIVE = ("era", "seed", "tasks", "branches", "delay_ms", "token", "audience", "issuer", "auth_style")  # /__control/set
THINGS = ["token refresh", "cache cleanup", "session hook", "login page", "export job", "health probe", "index", "map"]


# ---------------------------------------------------------------- tasks
class Tasks:
    """Seeded tasks: the same seed and count always give the same ids, titles and order."""

    def __init__(self, seed: int, count: int, branches: int, shape: str = "structured") -> None:
        self.is_agenthub = shape == "agenthub"
        self.plant(seed, count, branches)

    def plant(self, seed: int, count: int, branches: int) -> None:
        """Makes the list anew, in place: the tools hold on to this object."""
        rng = random.Random(seed)
        self.branches = [str(uuid.uuid5(NAMESPACE, f"{seed}/branch/{b}")) for b in range(branches)]
        self.all: list[dict[str, Any]] = []
        for i in range(count):
            status = STATUSES[0] if i % 2 == 0 else rng.choice(STATUSES)
            created = 1_767_225_600 + i * 3600  # 2026-01-01T00:00:00Z plus i hours
            self.all.append(
                {
                    "id": str(uuid.uuid5(NAMESPACE, f"{seed}/task/{i}")),
                    "title": f"{rng.choice(VERBS)} {rng.choice(THINGS)} #{i}",
                    "description": f"Deterministic task {i} of seed {seed}. " + "x" * rng.randrange(0, 120),
                    "status": status,
                    "priority": rng.choice(PRIORITIES),
                    "progress_percentage": 0 if status == "todo" else rng.randrange(5, 100),
                    "assignees": ["coding-agent"] if i % 3 else ["coding-agent", "test-agent"],
                    "labels": [],
                    "git_branch_id": self.branches[i % branches],
                    "created_at": iso(created),
                    "updated_at": iso(created + 600),
                }
            )

    def create(self, a: dict[str, Any]) -> dict[str, Any]:
        """agenthub lists the newest task first."""
        n = len(self.all)
        task = {"id": str(uuid.uuid5(NAMESPACE, f"created/{n}")), "title": a.get("title"), "description": "",
                "status": a.get("status") or "todo", "priority": a.get("priority") or "medium",
                "progress_percentage": 0, "assignees": ["@coding-agent"], "labels": [],
                "git_branch_id": a.get("git_branch_id") or self.branches[0],
                "created_at": iso(1_767_225_600 + n * 3600), "updated_at": iso(1_767_226_200 + n * 3600)}
        self.all.insert(0 if self.is_agenthub else n, task)
        return success("create", {"task": task})

    def git_branches(self, action: str, project: str | None) -> dict[str, Any]:
        """agenthub's tool, whose list is called `git_branchs`."""
        if action != "list":
            return failure(action, "UNKNOWN_OPERATION", f"Unknown operation: {action}")
        if not project:
            return failure("list", "VALIDATION_ERROR", "Missing required field: project_id. Expected: A valid project_id string")
        names = ["main"] + [f"feature-{n}" for n in range(1, len(self.branches))]
        found = [{"id": i, "name": n, "git_branch_status": "active"} for i, n in zip(self.branches, names)]
        data = {"success": True, "git_branchs": found, "total_count": len(found), "message": f"Found {len(found)} branches"}
        return success("list", data)

    def list(self, status: str | None, limit: int | None, branch: str | None, user: str | None, offset: int = 0) -> dict[str, Any]:
        if status is not None and status not in STATUSES + ["testing", "cancelled", "archived"]:
            return failure("list", "VALIDATION_ERROR", f"Invalid field: status. Expected: One of: {', '.join(STATUSES)}")
        hit = [t for t in self.all if status in (None, t["status"]) and branch in (None, t["git_branch_id"])]
        cap = 50 if limit is None else max(0, limit)
        page = hit[offset : offset + cap]
        shown = [{k: v for k, v in t.items() if k not in ("description", "created_at")} for t in page]
        filters = {k: v for k, v in (("status", status), ("git_branch_id", branch), ("user_id", user)) if v is not None}
        return success(
            "list",
            {
                "tasks": shown,
                "count": len(shown),
                "filters_applied": filters,
                # agenthub's total is the length of the page.
                "pagination": {"total": len(shown) if self.is_agenthub else len(hit), "limit": cap, "offset": offset,
                               "has_more": len(hit) > offset + cap},
            },
        )

    def next(self, branch: str | None, include_context: bool) -> dict[str, Any]:
        if not branch:
            return failure("next", "VALIDATION_ERROR", "git_branch_id is required for next action")
        open_ = [t for t in self.all if t["git_branch_id"] == branch and t["status"] in ("todo", "in_progress")]
        if not open_ and self.is_agenthub:
            none = failure("next", "OPERATION_FAILED", "No actionable tasks found.")
            none["error"]["timestamp"] = "2026-11-24T07:43:58.805669"
            return {**none, "meta": {"persisted": False}}
        if not open_:
            return success("next", {"message": "No task is ready"})
        task = dict(max(open_, key=lambda t: (PRIORITIES.index(t["priority"]), t["created_at"])))
        if include_context:
            task["context_data"] = {"objective": {"title": task["title"]}, "progress": {"completion_percentage": 0}}
        return success("next", {"task": task, "message": "Next task found", "include_context": include_context})

    def get(self, task_id: str | None) -> dict[str, Any]:
        for t in self.all:
            if t["id"] == task_id:
                return success("get", {"task": t})
        return failure("get", "NOT_FOUND", f"Task {task_id} not found")

    def act(self, a: dict[str, Any]) -> dict[str, Any]:
        action = a.get("action")
        if action == "list":
            return self.list(a.get("status"), as_int(a.get("limit")), a.get("git_branch_id"), a.get("user_id"), as_int(a.get("offset")) or 0)
        if action == "create":
            return self.create(a)
        if action == "next":
            return self.next(a.get("git_branch_id"), bool(a.get("include_context", True)))
        if action == "get":
            return self.get(a.get("task_id"))
        return failure(str(action), "UNKNOWN_OPERATION", f"Unknown operation: {action}")


def iso(epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(epoch))


def as_int(v: Any) -> int | None:
    try:
        return None if v is None else int(v)
    except (TypeError, ValueError):
        return None


def success(op: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"success": True, "data": data, "meta": {"operation": op}}


def failure(op: str, code: str, message: str) -> dict[str, Any]:
    return {"success": False, "error": {"message": message, "code": code, "operation": op}, "meta": {"operation": op}}


def squeeze(v: Any) -> Any:
    """Shape 'agenthub': empty lists and maps are dropped and one-element lists become their element."""
    if isinstance(v, dict):
        out = {k: squeeze(x) for k, x in v.items()}
        return {k: x for k, x in out.items() if x not in ([], {}, None)}
    if isinstance(v, list):
        out = [squeeze(x) for x in v]
        return out[0] if len(out) == 1 else out
    return v


# ---------------------------------------------------------------- the SDK server
def sdk_app(cfg: argparse.Namespace, tasks: Tasks) -> Any:
    structured = cfg.shape == "structured"

    def shaped(v: dict[str, Any]) -> dict[str, Any]:
        return squeeze(v) if cfg.shape == "agenthub" else v

    async def manage_task(
        action: str,
        status: str | None = None,
        limit: int | str | None = None,
        git_branch_id: str | None = None,
        user_id: str | None = None,
        include_context: bool | None = None,
        task_id: str | None = None,
        offset: int | str | None = None,
        title: str | None = None,
        priority: str | None = None,
    ) -> dict[str, Any]:
        """List tasks, get one, get the next recommended one, or add one (action: list | next | get | create)."""
        if cfg.delay_ms or (SDK == 2 and cfg.reply == "sse"):
            await asyncio.sleep(max(cfg.delay_ms / 1000, 0.05 if cfg.reply == "sse" else 0))
        return shaped(tasks.act({k: v for k, v in locals().items() if v is not None}))

    async def manage_connection(include_details: bool | None = None) -> dict[str, Any]:
        """Server health."""
        return shaped(connection(cfg))

    async def manage_git_branch(action: str, project_id: str | None = None) -> dict[str, Any]:
        """The branches of a project (action: list)."""
        return shaped(tasks.git_branches(action, project_id))

    if SDK == 2:
        server = MCPServer("task-server", version="1.0.0", log_level="ERROR")
    else:
        server = FastMCP("task-server", log_level="ERROR", streamable_http_path=cfg.mcp_path,
                         json_response=cfg.reply == "json", stateless_http=cfg.sessions == "off")
    branches = (manage_git_branch,) if cfg.shape == "agenthub" else ()
    for fn in (manage_task, manage_connection, *branches):
        server.tool(structured_output=structured)(fn)
    if SDK == 2:
        if cfg.reply == "sse":  # commit to an event stream at once, with keep-alive comment lines
            import mcp.server._streamable_http_modern as modern

            modern._SSE_PING_INTERVAL = 0.01
        return server.streamable_http_app(streamable_http_path=cfg.mcp_path, json_response=cfg.reply == "json",
                                          stateless_http=cfg.sessions == "off")
    return server.streamable_http_app()


def connection(cfg: argparse.Namespace) -> dict[str, Any]:
    return {"success": True, "status": "healthy", "server_name": "task-server", "version": "1.0.0",
            "authentication": {"enabled": cfg.auth != "none"}, "connections": {"active_connections": 0, "status": "healthy"}}


# ---------------------------------------------------------------- bearer tokens
class Auth:
    def __init__(self, cfg: argparse.Namespace) -> None:
        self.cfg = cfg
        self.jwks: Any = None
        self.meta: dict[str, Any] | None = None

    def _discover(self) -> dict[str, Any]:
        if self.meta is None:
            with urllib.request.urlopen(self.cfg.issuer.rstrip("/") + "/.well-known/openid-configuration", timeout=5) as r:
                self.meta = json.load(r)
        return self.meta

    def check(self, header: str | None) -> str | None:
        """None when the request may pass, else the error_description."""
        cfg = self.cfg
        if cfg.auth == "none":
            return None
        if not header or not header.lower().startswith("bearer "):
            return "no bearer token"
        token = header[7:].strip()
        if cfg.auth == "static":
            return None if token == cfg.token else "unknown token"
        try:
            if cfg.auth == "introspect":
                form = urllib.parse.urlencode({"token": token}).encode()
                req = urllib.request.Request(self._discover()["introspection_endpoint"], data=form)
                basic = base64.b64encode(f"{cfg.client_id}:{cfg.client_secret}".encode()).decode()
                req.add_header("Authorization", f"Basic {basic}")
                with urllib.request.urlopen(req, timeout=5) as r:
                    return None if json.load(r).get("active") else "token is not active"
            import jwt

            if self.jwks is None:
                self.jwks = jwt.PyJWKClient(self._discover()["jwks_uri"])
            key = self.jwks.get_signing_key_from_jwt(token).key
            jwt.decode(token, key, algorithms=["RS256", "ES256"], issuer=cfg.issuer, audience=cfg.audience or None,
                       options={"verify_aud": bool(cfg.audience)})
            return None
        except Exception as e:  # any failure is a refused token
            return f"{type(e).__name__}: {e}"


# ---------------------------------------------------------------- the ASGI layer in front
class Front:
    def __init__(self, cfg: argparse.Namespace, app: Any, tasks: Tasks) -> None:
        self.cfg, self.app, self.tasks, self.auth = cfg, app, tasks, Auth(cfg)
        self.faults: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []
        self.rest = cfg.rest_path.rstrip("/")
        self.started = {k: getattr(cfg, k) for k in LIVE}

    def set(self, new: dict[str, Any]) -> None:
        """Changes what can change while it runs; the faults and the log stay."""
        for k in LIVE:
            setattr(self.cfg, k, new.get(k, getattr(self.cfg, k)))
        self.auth = Auth(self.cfg)  # what was learnt of another issuer goes
        if {"seed", "tasks", "branches"} & new.keys():
            self.tasks.plant(self.cfg.seed, self.cfg.tasks, self.cfg.branches)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
        body = b""
        while method in ("POST", "PUT"):
            m = await receive()
            if m["type"] == "http.disconnect":
                return
            body += m.get("body", b"")
            if not m.get("more_body"):
                break
        if path.startswith("/__control"):
            await self.control(path, method, body, send)
            return
        rpc = parse(body)
        rpc_method = rpc.get("method") if isinstance(rpc, dict) else None
        kind = "mcp" if path == self.cfg.mcp_path else "rest" if path in (f"{self.rest}/manage_task", f"{self.rest}/manage_connection") else "other"
        entry = {"n": len(self.log) + 1, "method": method, "path": path, "kind": kind, "rpc": rpc_method,
                 "port": (scope.get("client") or ["", 0])[1],
                 "headers": {k: ("Bearer ***" if k == "authorization" else v) for k, v in headers.items()}}
        self.log.append(entry)

        async def tap(msg: Any) -> None:
            if msg["type"] == "http.response.start":
                entry["status"] = msg["status"]
                entry["reply"] = next((v.decode() for k, v in msg.get("headers", []) if k.lower() == b"content-type"), None)
                if self.cfg.log:
                    with open(self.cfg.log, "a") as f:
                        f.write(json.dumps(entry) + "\n")
            await send(msg)

        if await self.fault(kind, rpc_method, tap, send):
            return
        if path.startswith("/.well-known/oauth-protected-resource"):
            meta = {"resource": self.url(headers), "authorization_servers": [self.cfg.issuer], "bearer_methods_supported": ["header"]}
            await reply(tap, 200 if self.cfg.issuer else 404, meta if self.cfg.issuer else {"detail": "Not Found"})
            return
        if kind == "other":
            await reply(tap, 200 if path == "/health" else 404, {"status": "healthy"} if path == "/health" else {"detail": "Not Found"})
            return
        refused = await asyncio.to_thread(self.auth.check, headers.get("authorization"))
        if refused:
            await self.unauthorized(tap, headers, refused, bool(headers.get("authorization")))
            return
        if kind == "rest":
            await self.rest_call(path, method, rpc, tap)
            return
        if not self.era(headers, method):
            await self.wrong_era(headers, method, rpc, tap)
            return
        sent = False

        async def replay() -> Any:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, tap)

    def url(self, headers: dict[str, str]) -> str:
        return f"http://{headers.get('host', '127.0.0.1')}{self.cfg.mcp_path}"

    # -- eras
    def era(self, headers: dict[str, str], method: str) -> bool:
        modern = headers.get("mcp-protocol-version") == MODERN
        return {"both": True, "modern": modern and method == "POST", "legacy": not modern or SDK == 1}[self.cfg.era]

    async def wrong_era(self, headers: dict[str, str], method: str, rpc: Any, send: Any) -> None:
        rid = rpc.get("id") if isinstance(rpc, dict) else None
        asked = headers.get("mcp-protocol-version")
        if self.cfg.era == "legacy":  # what mcp 1.x answers to a version it does not know
            err = {"code": -32600, "message": f"Bad Request: Unsupported protocol version: {asked}. Supported versions: 2025-03-26, 2025-06-18, 2025-11-25"}
            await reply(send, 400, {"jsonrpc": "2.0", "id": "server-error", "error": err})
        elif method != "POST":
            await reply(send, 405, None, [(b"allow", b"POST")])
        elif asked is None:
            err = {"code": -32020, "message": f"Header mismatch: MCP-Protocol-Version is required. Supported versions: {MODERN}"}
            await reply(send, 400, {"jsonrpc": "2.0", "id": rid, "error": err})
        else:
            err = {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": [MODERN], "requested": asked}}
            await reply(send, 400, {"jsonrpc": "2.0", "id": rid, "error": err})

    # -- auth
    async def unauthorized(self, send: Any, headers: dict[str, str], why: str, had_token: bool) -> None:
        if self.cfg.auth_style == "agenthub":  # agenthub's server: a JSON-RPC body and no challenge
            body = {"jsonrpc": "2.0", "error": {"code": -32001, "message": "Authentication failed",
                    "data": {"detail": why, "auth_type": "mcp_token_required"}}, "id": None}
            await reply(send, 401, body)
            return
        meta = f"http://{headers.get('host', '127.0.0.1')}/.well-known/oauth-protected-resource{self.cfg.mcp_path}"
        challenge = f'Bearer resource_metadata="{meta}"'
        if had_token:
            challenge = f'Bearer error="invalid_token", error_description="{why[:80]}", resource_metadata="{meta}"'
        await reply(send, 401, {"error": "invalid_token", "error_description": why}, [(b"www-authenticate", challenge.encode("latin-1", "replace"))])

    # -- REST
    async def rest_call(self, path: str, method: str, rpc: Any, send: Any) -> None:
        if self.cfg.delay_ms:
            await asyncio.sleep(self.cfg.delay_ms / 1000)
        if path.endswith("/manage_connection"):
            ok = method in ("GET", "POST")
            await reply(send, 200 if ok else 405, connection(self.cfg) if ok else {"detail": "Method Not Allowed"})
        elif method != "POST":
            await reply(send, 405, {"detail": "Method Not Allowed"})
        elif not isinstance(rpc, dict):
            await reply(send, 422, {"detail": "body must be a JSON object"})
        else:
            out = self.tasks.act(rpc)
            await reply(send, 200 if out["success"] else 400, squeeze(out) if self.cfg.shape == "agenthub" else out)

    # -- faults and control
    async def fault(self, kind: str, rpc_method: str | None, send: Any, raw: Any) -> bool:
        for f in self.faults:
            if f.get("left", 1) <= 0 or f.get("match", "any") not in ("any", kind, rpc_method):
                continue
            f["left"] = f.get("left", 1) - 1
            if f.get("delay_ms"):
                await asyncio.sleep(f["delay_ms"] / 1000)
            what = f.get("do", "status")
            if what == "pass":
                return False
            extra = [(k.encode(), str(v).encode()) for k, v in f.get("headers", {}).items()]
            if what == "status":
                await reply(send, f.get("status", 503), f.get("body", {"error": "injected"}), extra)
            elif what == "text":
                await reply(send, f.get("status", 200), None, [(b"content-type", f.get("type", "text/html").encode())] + extra, str(f.get("body", "<html>")).encode())
            elif what == "hang":
                await asyncio.sleep(f.get("seconds", 60))
            elif what == "truncate":  # promises more bytes than it sends, then the connection drops
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"1000")]})
                await send({"type": "http.response.body", "body": b'{"jsonrpc":"2.0"', "more_body": True})
                await asyncio.sleep(0.02)
                raw.__self__.transport.abort()
            elif what == "drop":  # uvicorn's own transport: the connection ends with no answer
                raw.__self__.transport.abort()
            return True
        return False

    async def control(self, path: str, method: str, body: bytes, send: Any) -> None:
        if path == "/__control/faults" and method == "POST":
            self.faults = parse(body) or []
            for f in self.faults:
                f["left"] = f.get("times", 1)
        elif path == "/__control/reset":
            self.log.clear()
            self.faults.clear()
            self.set(self.started)
        elif path == "/__control/forget":
            self.log.clear()
        elif path == "/__control/set" and method == "POST":
            self.set(parse(body) or {})
        counts: dict[str, int] = {}
        for e in self.log:
            key = f"{e['kind']}:{e['rpc'] or e['method']}"
            counts[key] = counts.get(key, 0) + 1
        await reply(send, 200, {"requests": len(self.log), "connections": len({e["port"] for e in self.log}), "counts": counts, "log": self.log})


def parse(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


async def reply(send: Any, status: int, obj: Any, headers: list[tuple[bytes, bytes]] | None = None, raw: bytes | None = None) -> None:
    body = raw if raw is not None else b"" if obj is None else json.dumps(obj, separators=(",", ":")).encode()
    head = list(headers or [])
    if not any(k.lower() == b"content-type" for k, _ in head):
        head.append((b"content-type", b"application/json"))
    head.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=18200, help="0: any free one, named in the first line of output")
    p.add_argument("--end-with-stdin", action="store_true", help="end when standard input does")
    p.add_argument("--mcp-path", default="/mcp")
    p.add_argument("--rest-path", default="/mcp", help="REST is <this>/manage_task and <this>/manage_connection")
    p.add_argument("--era", choices=["both", "modern", "legacy"], default="both")
    p.add_argument("--sessions", choices=["on", "off"], default="on", help="legacy era: Mcp-Session-Id or stateless")
    p.add_argument("--reply", choices=["default", "json", "sse"], default="default")
    p.add_argument("--shape", choices=["structured", "text", "agenthub"], default="structured")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--tasks", type=int, default=12)
    p.add_argument("--branches", type=int, default=2)
    p.add_argument("--delay-ms", type=int, default=0)
    p.add_argument("--auth", choices=["none", "static", "introspect", "jwks"], default="none")
    p.add_argument("--auth-style", choices=["mcp", "agenthub"], default="mcp")
    p.add_argument("--token", default="test-token")
    p.add_argument("--issuer", default="")
    p.add_argument("--audience", default="")
    p.add_argument("--client-id", default="task-server")
    p.add_argument("--client-secret", default="task-server-secret")
    p.add_argument("--log", default="", help="append one JSON line per request to this file")
    p.add_argument("--print-tasks", action="store_true", help="print the seeded tasks as JSON and leave")
    cfg = p.parse_args()
    tasks = Tasks(cfg.seed, cfg.tasks, cfg.branches, cfg.shape)
    if cfg.print_tasks:
        json.dump({"branches": tasks.branches, "tasks": tasks.all}, sys.stdout, indent=1)
        return
    if SDK == 1 and cfg.era != "legacy":
        sys.exit("mcp 1.x speaks the legacy era only: start with --era legacy")
    if cfg.host not in ("127.0.0.1", "localhost", "::1"):
        sys.exit("loopback only")
    front = Front(cfg, sdk_app(cfg, tasks), tasks)
    listener = socket.socket(socket.AF_INET6 if ":" in cfg.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((cfg.host, cfg.port))
    listener.listen(256)  # from here on a request waits instead of being refused
    if cfg.end_with_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    print(f"task server: mcp {SDK}.x, era {cfg.era}, http://{cfg.host}:{listener.getsockname()[1]}{cfg.mcp_path}", flush=True)
    config = uvicorn.Config(front, log_level="error", access_log=False, lifespan="on")
    uvicorn.Server(config).run(sockets=[listener])


def end_with_stdin() -> None:
    """The parent holds our standard input open: it ends with the parent, and so does this server."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
