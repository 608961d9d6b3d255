"""A collector for spans: OTLP over HTTP, on a free port of this machine, kept in memory."""

import gzip
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass(frozen=True)
class Received:
    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    trace_state: str
    start: float
    """Seconds since 1970."""
    status: str
    message: str
    attributes: dict
    events: dict
    links: list

    def __str__(self):
        return f"{self.service}: {self.kind} {self.name} {self.status} {self.message} {self.attributes}"


class Collector:
    def __init__(self):
        self._spans = []
        self._changed = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector._take(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def wait(self, what, seconds, check):
        """The one span for which `what` holds, as soon as it is there; `check` may give up before the time is over."""
        end = time.monotonic() + seconds
        with self._changed:
            while True:
                found = [span for span in self._spans if what(span)]
                assert len(found) < 2, "more than one span:\n" + "\n".join(map(str, found))
                if found:
                    return found[0]
                left = end - time.monotonic()
                if left <= 0:
                    listed = "\n".join(map(str, self._spans))
                    raise AssertionError(f"no such span within {seconds} s; there are:\n{listed}")
                check()
                self._changed.wait(min(left, 0.5))

    def _take(self, request):
        received = [
            _read(resource, span)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._changed:
            self._spans += received
            self._changed.notify_all()


def _read(resource, span):
    return Received(
        service=_attributes(resource.resource).get("service.name"),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        trace_state=span.trace_state,
        start=span.start_time_unix_nano / 1e9,
        status=Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
        message=span.status.message,
        attributes=_attributes(span),
        events={event.name: _attributes(event) for event in span.events},
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
    )


def _attributes(owner):
    """Values by key; of those that are neither text, number nor bool only the kind."""
    values = {}
    for attribute in owner.attributes:
        kind = attribute.value.WhichOneof("value")
        is_plain = kind in ("string_value", "int_value", "double_value", "bool_value")
        values[attribute.key] = getattr(attribute.value, kind) if is_plain else kind
    return values
