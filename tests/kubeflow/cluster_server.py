"""A small server that speaks as much of Kubeflow Pipelines' API v2beta1 as its client needs here."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse


class State:
    """What was asked, and what is answered.

    Attributes:
        posted: Bodies of requests by path; uploads as (query, bytes).
        authorization: Header of the last request.
        looks: Answers to looks at the run, in order; the last one stays. A number is an HTTP error.
        pipelines: Ids of uploaded pipelines by name.
    """

    def __init__(self):
        self.posted: dict[str, list] = {}
        self.authorization = None
        self.looks: list = [run("SUCCEEDED")]
        self.pipelines: dict[str, str] = {}
        self.address = ""


def run(state, **tasks):
    """A run with its tasks: `Trainer="FAILED"` or `Trainer=("FAILED", "out of memory")`."""
    details = []
    for name, told in tasks.items():
        word, message = told if isinstance(told, tuple) else (told, "")
        details.append({"display_name": name, "state": word, **({"error": {"message": message}} if message else {})})
    return {"run_id": "run-1", "state": state, "run_details": {"task_details": details}}


@contextlib.contextmanager
def serve():
    """Serves on a free port of this machine while the block runs."""
    state = State()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.authorization = self.headers.get("authorization")
            path = urlparse(self.path).path.removeprefix("/apis/v2beta1")
            if path == "/runs/run-1":
                answer = state.looks[0] if len(state.looks) == 1 else state.looks.pop(0)
                return self._answer(answer) if isinstance(answer, dict) else self._answer({}, answer)
            if path == "/pipelines":
                found = [{"pipeline_id": one, "display_name": name} for name, one in state.pipelines.items()]
                return self._answer({"pipelines": found} if found else {})
            return self._answer({"/healthz": {"multi_user": False}, "/experiments": {}}.get(path, {}))

        def do_POST(self):
            state.authorization = self.headers.get("authorization")
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            address = urlparse(self.path)
            path = address.path.removeprefix("/apis/v2beta1")
            upload = path.startswith("/pipelines/upload")
            state.posted.setdefault(path, []).append((parse_qs(address.query), body) if upload else json.loads(body))
            answers = {
                "/experiments": {"experiment_id": "experiment-1"},
                "/runs": {"run_id": "run-1"},
                "/recurringruns": {"recurring_run_id": "schedule-1"},
                "/pipelines/upload": {"pipeline_id": "pipeline-1"},
                "/pipelines/upload_version": {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-2"},
            }
            return self._answer(answers[path])

        def _answer(self, body, status=200):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
