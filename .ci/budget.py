"""Counts the instructions of a session start and compares them with benches/budget.toml.

usage: budget.py PROGRAM    (needs valgrind and git; exit code 1 above a limit)
"""

import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import tomllib

BUDGET = pathlib.Path(__file__).parent.parent / "benches" / "budget.toml"
ANSWER = {"success": True, "data": {"tasks": [{"id": "1", "title": "a", "status": "todo"}]}}
# The first starts fill the cache; what the last one costs is counted.
WARM_UP = 3


class TaskServer(http.server.BaseHTTPRequestHandler):
    """Answers every query over REST with one task."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def prepare(folder, file):
    """A home with this hooks.toml, and a repository with a checklist."""
    project = folder / "project"
    settings = folder / ".config" / "warmstart"
    project.mkdir()
    settings.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", project], check=True)
    (project / "TODO.md").write_text("- [ ] one\n- [ ] two\n")
    if file:
        (settings / "hooks.toml").write_text(file)
    return project


def instructions(program, start, port):
    """The instructions of one start from a fresh cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project = prepare(folder, start.get("file"))
        event = json.dumps({"hook_event_name": "SessionStart", "source": "startup", "cwd": str(project)})
        variables = {key: text.format(port=port) for key, text in start.get("environment", {}).items()}
        environment = {"HOME": name, "PATH": "/usr/bin:/bin", **variables}

        def run(before):
            command = [*before, program, "session-start"]
            return subprocess.run(
                command, cwd=project, env=environment, input=event, text=True, capture_output=True, check=True
            )

        for _ in range(WARM_UP):
            answer = run([]).stdout
            time.sleep(0.3)  # the detached process may still write
        assert "additionalContext" in answer, answer
        counted = run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={name}/out"]).stderr
    return int(re.search(r"Collected : (\d+)", counted)[1])


def main(program):
    """Prints each figure beside its limit; whether all are below."""
    budget = tomllib.loads(BUDGET.read_text())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TaskServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    figures = [("binary, bytes", pathlib.Path(program).stat().st_size, budget["binary"]["bytes"])]
    for name, start in budget["starts"].items():
        count = instructions(program, start, server.server_port)
        figures.append((f"{name}, instructions", count, start["instructions"]))
    for name, figure, limit in figures:
        state = "" if figure <= limit else "  TOO MUCH"
        print(f"{name:32} {figure:>10,} of {limit:>10,}{state}")
    return all(figure <= limit for _, figure, limit in figures)


if __name__ == "__main__":
    sys.exit(0 if main(str(pathlib.Path(sys.argv[1]).resolve())) else 1)
