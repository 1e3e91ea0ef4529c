#!/usr/bin/env python3
"""Submits a task to ktk, waits for its end, and prints what it wrote: with Python's standard library alone.

    ktk server start
    python3 examples/submit.py hello echo hello
"""

import http.client
import json
import os
import pathlib
import socket
import sys
import urllib.parse
import uuid


def socket_path():
    """Where the server listens: as KTK_SERVER says, else in the data directory."""
    server = os.environ.get("KTK_SERVER")
    if server:
        return server.removeprefix("unix://")
    share = os.environ.get("XDG_DATA_HOME") or pathlib.Path.home() / ".local" / "share"
    return str(pathlib.Path(os.environ.get("KTK_DATA_DIR") or pathlib.Path(share) / "ktk") / "run" / "ktk.sock")


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self):
        super().__init__("localhost")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(socket_path())


def headers():
    token = os.environ.get("KTK_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def call(method, **params):
    """One JSON-RPC call. What changes something has a request id: if the answer is lost, the call is sent again."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    for tries_left in (2, 1, 0):
        connection = Connection()
        try:
            connection.request("POST", "/rpc", body, {"Content-Type": "application/json", **headers()})
            answer = json.load(connection.getresponse())
            break
        except (ConnectionError, http.client.HTTPException):
            if not tries_left:
                raise
        finally:
            connection.close()
    if "error" in answer:
        error = answer["error"]
        causes = "".join(f"\n  {cause['field']}: {cause['message']}" for cause in error["data"].get("causes", []))
        sys.exit(f"{error['data']['reason']}: {error['message']}{causes}")
    return answer["result"]


def events(path, **query):
    """The events of a stream, as JSON."""
    connection = Connection()
    connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}", headers=headers())
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"HTTP {response.status}: {json.load(response)['message']}")
    try:
        for line in response:
            if line.startswith(b"data:"):
                yield json.loads(line[5:])
    finally:
        connection.close()


def wait(task):
    """The task once it has ended: as it is now, then by watching its restart context."""
    while task["status"]["phase"] in ("Pending", "Running"):
        metadata = task["metadata"]
        context = metadata.get("restart", {}).get("contextId", metadata["id"])
        for event in events("/watch", context=context, version=metadata["version"]):
            if event["type"] == "change":
                task = event["object"]
                if task["status"]["phase"] not in ("Pending", "Running"):
                    break
    return task


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: submit.py NAME COMMAND…")
    name, command = sys.argv[1], sys.argv[2:]
    task = {
        "apiVersion": "ktk/v1",
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"run": {"command": command}},
    }
    created = call("task.create", object=task, requestId=str(uuid.uuid4()))
    ended = wait(created["object"])
    for event in events("/logs", name=name):
        if event["type"] == "chunk":
            sys.stdout.write(event.get("text", ""))
    status = ended["status"]
    print(f"{name}: {status['phase']}")
    return 0 if status["phase"] == "Succeeded" else 1


if __name__ == "__main__":
    sys.exit(main())
