"""Reads `cargo metadata` on stdin; fails if a package's licence has no allowed way to use it."""

import json
import re
import sys
import tomllib
from pathlib import Path

allowed = set(tomllib.loads(Path(sys.argv[1]).read_text())["licenses"]["allow"])


def usable(expression: str) -> bool:
    """An SPDX expression of licences with AND, OR, WITH and brackets; `/` is an old OR."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR ").replace(" WITH ", "+WITH+"))
    python = [
        w if w in "()" else w.lower() if w in ("AND", "OR") else str(w.replace("+WITH+", " WITH ") in allowed)
        for w in words
    ]
    return bool(eval(" ".join(python)))  # only brackets, and, or, True, False are left


packages = json.load(sys.stdin)
used = {node["id"] for node in packages["resolve"]["nodes"]}
refused = [
    f"{p['name']} {p['version']}: {p['license']}"
    for p in packages["packages"]
    if p["id"] in used and not usable(p["license"] or "none")
]
print(f"{len(used)} packages, licences fit" if not refused else "\n".join(refused))
sys.exit(bool(refused))
