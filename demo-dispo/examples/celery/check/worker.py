"""A Celery worker as the cleaning service of the course has it; started by test_celery.py.

What a task is called with it puts on the span in which it runs, types and all.
"""

import os

from celery import Celery
from celery.signals import worker_init
from kombu import Exchange, Queue
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

app = Celery("cleaning", broker=os.environ["CELERY_BROKER_URL"])
app.conf.task_queues = [
    Queue(
        os.environ["CHECK_QUEUE"],
        Exchange(os.environ["CHECK_EXCHANGE"]),
        routing_key=os.environ["CHECK_ROUTING_KEY"],
    )
]
# Nothing of it stays on the broker.
app.conf.worker_enable_remote_control = False


@worker_init.connect
def start_telemetry(**_):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument()


@app.task(name="booking.created")
def booking_created(booking):
    trace.get_current_span().set_attribute("check.booking", repr(sorted(booking.items())))
