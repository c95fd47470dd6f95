"""Sends spans with OpenTelemetry's SDK for Python: `send_spans.py PROTOCOL ENDPOINT COUNT`.

Prints the trace id. Fails when a span was not accepted.
"""

import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult

protocol, endpoint, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import Compression, OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, compression=Compression.Gzip)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, compression=Compression.Gzip)


class Collected(SimpleSpanProcessor):
    """Keeps spans until the end, to send them in one request whose outcome is looked at."""

    spans = []

    def on_end(self, span):
        self.spans.append(span)


processor = Collected(exporter)
provider = TracerProvider(resource=Resource.create({"service.name": "python", "list": ["a", "b"]}))
provider.add_span_processor(processor)
tracer = provider.get_tracer("peer", "1.0")
with tracer.start_as_current_span("parent", attributes={"text": "grüße", "number": 7, "share": 0.5, "yes": True}) as parent:
    for number in range(count - 1):
        with tracer.start_as_current_span(f"child {number}", links=[trace.Link(parent.get_span_context())]) as child:
            try:
                raise ValueError("no good")
            except ValueError as error:
                child.record_exception(error)
                child.set_status(trace.StatusCode.ERROR, "failed")
    print(format(parent.get_span_context().trace_id, "032x"))
sys.exit(0 if exporter.export(processor.spans) is SpanExportResult.SUCCESS else 1)
