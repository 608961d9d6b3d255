"""The example and a real Celery understand each other, and one trace runs through both."""

import faulthandler
import functools
import json
import os
import signal
import subprocess
import sys
import time
import unittest
import uuid
from datetime import date, datetime, timezone
from pathlib import Path

from celery import Celery
from kombu import Connection, Exchange, Queue
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spans import Collector

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
BROKER = os.environ["TEST_AMQP_URL"]

BOOKING = {"room": "Bob's Suite", "start": date(2030, 2, 28), "end": date(2030, 3, 1)}

# Bounds, not expectations; on a busy machine a Python worker takes its time to start.
ENDS_WITHIN_S = 30
ARRIVES_WITHIN_S = 60
# What the libraries wait for without a bound of their own ends here.
TEST_ENDS_WITHIN_S = 300


@functools.cache
def build():
    """The path of the example, built if it is not."""
    command = ["cargo", "build", "--quiet", "--package", "demo-dispo", "--example", "celery"]
    built = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    messages = map(json.loads, built.stdout.splitlines())
    return next(
        message["executable"]
        for message in messages
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "celery"
    )


class Check(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.example = build()

    def setUp(self):
        faulthandler.dump_traceback_later(TEST_ENDS_WITHIN_S, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.collector = Collector()
        self.addCleanup(self.collector.close)
        # Fails at once where there is no broker, while Celery would try again.
        with self.broker() as connection:
            connection.connect()
        # Names of this test alone, so that it can share the broker.
        suffix = uuid.uuid4().hex[:8]
        self.exchange, self.key, self.queue = (
            f"{name}-{suffix}" for name in ("dispo", "booking", "cleaning")
        )
        self.addCleanup(self.delete_from_broker)
        self.processes = []
        self.addCleanup(self.end_processes)

    def delete_from_broker(self):
        with self.broker() as connection:
            channel = connection.default_channel
            Queue(self.queue)(channel).delete()
            Exchange(self.exchange)(channel).delete()

    @staticmethod
    def broker():
        return Connection(BROKER, connect_timeout=5)

    def end_processes(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def start(self, service, *command):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OTEL_")
        }
        process = subprocess.Popen(
            command,
            cwd=HERE,
            env=environment
            | {
                "CELERY_BROKER_URL": BROKER,
                "CHECK_EXCHANGE": self.exchange,
                "CHECK_ROUTING_KEY": self.key,
                "CHECK_QUEUE": self.queue,
                "OTEL_SERVICE_NAME": service,
                "OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.endpoint,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            },
        )
        self.processes.append(process)
        return process

    def start_example(self, service, role, *options):
        names = ["--exchange", self.exchange, "--routing-key", self.key, "--queue", self.queue]
        return self.start(service, self.example, role, *names, *options)

    def assert_none_failed(self):
        for process in self.processes:
            self.assertIn(process.poll(), (None, 0), process.args)

    def assert_ends(self, process):
        self.assertEqual(process.wait(ENDS_WITHIN_S), 0)

    def span(self, **wanted):
        """The one span with these fields and attributes."""
        attributes = wanted.pop("attributes", {})

        def matches(span):
            fields = all(getattr(span, name) == value for name, value in wanted.items())
            return fields and attributes.items() <= span.attributes.items()

        return self.collector.wait(matches, ARRIVES_WITHIN_S, self.assert_none_failed)

    def consumer(self, task_id, name=None):
        return self.span(
            service="ours",
            name=name or f"process {self.exchange}:{self.key}:{self.queue}",
            kind="CONSUMER",
            attributes={"messaging.message.id": task_id},
        )


class OursToCelery(Check):
    def test_a_worker_of_celery_understands_a_booking_and_continues_its_trace(self):
        sent = self.start_example(
            "ours", "send", "--room", "Bob's Suite", "--start", "2030-02-28", "--end", "2030-03-01"
        )
        self.assert_ends(sent)
        worker = self.start(
            "theirs",
            *(sys.executable, "-m", "celery", "--app", "worker", "--quiet", "worker"),
            *("--pool", "solo", "--hostname", f"{self.queue}@check", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

        announced = self.span(service="ours", name="booking.announce")
        producer = self.span(service="ours", kind="PRODUCER")
        consumer = self.span(service="theirs", kind="CONSUMER")

        self.assertEqual(producer.name, f"send {self.exchange}:{self.key}")
        self.assertEqual(producer.parent_id, announced.span_id)
        self.assertEqual(consumer.name, "run/booking.created")
        self.assertEqual(consumer.trace_id, producer.trace_id)
        self.assertEqual(consumer.parent_id, producer.span_id)
        self.assertEqual(consumer.attributes["check.booking"], repr(sorted(BOOKING.items())))
        self.assertEqual(consumer.attributes["celery.state"], "SUCCESS")
        for key in ("celery.task_name", "messaging.message.id"):
            self.assertEqual(consumer.attributes[key], producer.attributes[key], key)
        conversation = producer.attributes["messaging.message.conversation_id"]
        self.assertEqual(consumer.attributes["messaging.conversation_id"], conversation)

        worker.send_signal(signal.SIGTERM)
        self.assert_ends(worker)


class CeleryToOurs(Check):
    def setUp(self):
        super().setUp()
        self.app = Celery("dispo", broker=BROKER)
        self.addCleanup(self.app.close)
        # It declares them before it sends, and no others.
        self.app.conf.task_default_exchange = self.exchange
        self.app.conf.task_default_routing_key = self.key
        self.app.conf.task_default_queue = self.queue
        self.route = {"exchange": self.exchange, "routing_key": self.key}

    def send(self, task="booking.created", *, args=None, **options):
        args = [BOOKING] if args is None else args
        return self.app.send_task(task, args, **self.route | options).id

    def publish(self, body, headers):
        with self.broker() as connection, connection.Producer() as producer:
            producer.publish(
                body,
                headers=headers,
                content_type="application/json",
                content_encoding="utf-8",
                exchange=self.exchange,
                routing_key=self.key,
            )

    def send_instrumented(self):
        """Sends a booking as the course does; gives its id and the producer's span."""
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))

        @self.app.task(name="booking.created")
        def booking_created(booking):
            raise NotImplementedError("it runs elsewhere")

        instrumentor = CeleryInstrumentor()
        instrumentor.instrument(tracer_provider=provider)
        try:
            sent = booking_created.apply_async([BOOKING], **self.route)
        finally:
            instrumentor.uninstrument()
        (producer,) = exporter.get_finished_spans()
        return sent.id, producer

    def assert_booked(self, consumer):
        self.assertEqual(consumer.status, "UNSET", consumer)
        self.assertEqual(consumer.attributes["room"], "Bob's Suite")
        payload = json.loads(consumer.events["message.received"]["payload"])
        self.assertEqual(payload[0]["start"]["__value__"], "2030-02-28")

    def assert_refused(self, consumer, message):
        self.assertEqual((consumer.status, consumer.message), ("ERROR", message))
        self.assertEqual(consumer.events["exception"]["exception.message"], message)
        self.assertIn("error.type", consumer.attributes)

    def assert_queue_is_empty(self):
        with self.broker() as connection:
            queue = Queue(self.queue)(connection.default_channel)
            self.assertEqual(queue.queue_declare(passive=True).message_count, 0)

    def test_our_worker_continues_the_trace_of_celery(self):
        worker = self.start_example("ours", "work", "--count", "6")
        instrumented, producer = self.send_instrumented()
        plain = self.send()
        # Without a route Celery sends to the queue, past the exchange.
        direct = self.app.send_task("booking.created", [BOOKING]).id
        trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        remote = self.send(
            headers={
                "traceparent": f"00-{trace_id}-{span_id}-03",
                "tracestate": "congo=t61rcWkgMzE",
                "baggage": "userId=alice,plan=gold",
            }
        )
        retried = self.send(retries=2)
        due = time.time() + 1
        later = self.send(eta=datetime.fromtimestamp(due, timezone.utc))

        context = producer.get_span_context()
        parent = (f"{context.trace_id:032x}", f"{context.span_id:016x}")
        consumer = self.consumer(instrumented)
        self.assert_booked(consumer)
        self.assertEqual((consumer.trace_id, consumer.parent_id), parent)
        self.assertEqual(consumer.links, [parent])
        facts = {
            "celery.task_name": "booking.created",
            "messaging.message.conversation_id": instrumented,
            "messaging.rabbitmq.destination.routing_key": self.key,
            "messaging.rabbitmq.message.delivery_count": 1,
            "server.address": Connection(BROKER).hostname,
            "server.port": Connection(BROKER).port or 5672,
        }
        self.assertEqual(facts, {key: consumer.attributes.get(key) for key in facts})

        consumer = self.consumer(plain)
        self.assert_booked(consumer)
        self.assertEqual((consumer.parent_id, consumer.links), ("", []))

        self.assert_booked(self.consumer(direct, name=f"process {self.queue}"))

        consumer = self.consumer(remote)
        self.assert_booked(consumer)
        self.assertEqual((consumer.trace_id, consumer.parent_id), (trace_id, span_id))
        self.assertEqual(consumer.trace_state, "congo=t61rcWkgMzE")

        consumer = self.consumer(retried)
        self.assert_booked(consumer)
        self.assertEqual(consumer.attributes["messaging.rabbitmq.message.delivery_count"], 3)

        consumer = self.consumer(later)
        self.assert_booked(consumer)
        self.assertGreaterEqual(consumer.start, due)

        self.assert_ends(worker)
        self.assert_queue_is_empty()

    def test_our_worker_survives_what_it_cannot_handle(self):
        worker = self.start_example("ours", "work")
        follower = self.app.signature("room.clean")
        refused = {
            self.send("booking.forgotten"): "there is no task `booking.forgotten` here",
            self.send(serializer="pickle"): (
                "the content type is `application/x-python-serialize`, not application/json"
            ),
            self.send(compression="gzip"): "the body is compressed by `application/x-gzip`",
            self.send(args=[]): "the task takes one booking, not 0 positional and 0 keyword arguments",
            self.send(link=follower): "`callbacks`: no further tasks are called here",
        }
        # What Celery 5 does not send by itself.
        for body, header, message in [
            ("[[", {}, "the body is not [args, kwargs, embed]: EOF while parsing a list at line 1 column 2"),
            ("[[], {}, {}]", {"expires": "2026-01-01T00:00:00+00:00"}, "the task has expired"),
            (
                '{"task": "booking.created", "args": [], "kwargs": {}}',
                {"task": None},
                "no headers `task` and `id`: not a task of Celery's protocol 2",
            ),
        ]:
            task_id = str(uuid.uuid4())
            self.publish(body, {"task": "booking.created", "id": task_id, **header})
            refused[task_id] = message
        good = self.send()

        for task_id, message in refused.items():
            self.assert_refused(self.consumer(task_id), message)
        self.assert_booked(self.consumer(good))

        self.assertIsNone(worker.poll(), "the worker has ended")
        worker.send_signal(signal.SIGTERM)
        self.assert_ends(worker)
        self.assert_queue_is_empty()


if __name__ == "__main__":
    unittest.main()
