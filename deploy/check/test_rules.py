"""The files as they are keep every rule; a copy with one mistake breaks the rule that is meant for it."""

import pytest

import rules
import system

AS_WRITTEN = system.read()


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.__name__)
def test_holds(rule):
    assert list(rule(AS_WRITTEN.copy())) == []


def edit(field, old, new):
    def mistake(broken):
        text = getattr(broken, field)
        assert old in text, f"{field} has no `{old}` any more"
        setattr(broken, field, text.replace(old, new))

    return mistake


def env(workload, variable, **change):
    """Changes a variable of a manifest's container; without a change, removes it."""

    def mistake(broken):
        variables = broken.container(workload)["env"]
        index = next(i for i, found in enumerate(variables) if found["name"] == variable)
        if change:
            variables[index] |= change
        else:
            del variables[index]

    return mistake


def put(where, *keys, value):
    """Sets what lies under the keys, below `where(system)`; None removes it."""

    def mistake(broken):
        place = where(broken)
        for key in keys[:-1]:
            place = place[key]
        if value is None:
            del place[keys[-1]]
        else:
            place[keys[-1]] = value

    return mistake


def container(name):
    return lambda broken: broken.container(name)


def pod(name):
    return lambda broken: broken.pod(name)


def composed(name):
    return lambda broken: broken.compose["services"][name]


def service(name):
    return lambda broken: broken.named("Service", name)["spec"]


def code(name):
    return lambda broken: broken.code[name].__dict__


MISTAKES = [
    (rules.pods_are_hardened, put(pod("dispo"), "securityContext", "runAsNonRoot", value=None)),
    (rules.pods_are_hardened, put(pod("dispo"), "securityContext", "seccompProfile", value=None)),
    (rules.pods_are_hardened, put(pod("jaeger"), "automountServiceAccountToken", value=None)),
    (rules.pods_are_hardened, put(pod("dispo-worker"), "enableServiceLinks", value=None)),
    (rules.pods_are_hardened, put(container("rabbitmq"), "securityContext", "readOnlyRootFilesystem", value=False)),
    (rules.pods_are_hardened, put(container("dispo-db"), "resources", "limits", "memory", value=None)),
    (rules.compose_services_are_hardened, put(composed("dispo"), "read_only", value=None)),
    (rules.compose_services_are_hardened, put(composed("dispo"), "security_opt", value=[])),
    (rules.compose_services_are_hardened, put(composed("cleaning-db"), "mem_limit", value=None)),
    (rules.compose_services_are_hardened, put(composed("rabbitmq"), "user", value="0:0")),
    (rules.image_is_not_root, edit("dockerfile", "USER 10001:10001", "USER root")),
    (rules.the_same_workloads_everywhere, put(lambda b: b.compose["services"], "cleaning-worker", value=None)),
    (rules.the_same_workloads_everywhere, edit("tiltfile", "k8s_resource('dispo-db'", "k8s_resource('dispo-dbs'")),
    (rules.images_are_equal_and_have_versions, put(composed("jaeger"), "image", value="jaegertracing/jaeger:2.20.0")),
    (rules.images_are_equal_and_have_versions, edit("dockerfile", "debian:13.6-slim", "debian:latest")),
    (rules.images_are_equal_and_have_versions, edit("readme", "demo-dispo:0.1.0", "demo-dispo:0.0.9")),
    (rules.images_of_ours_are_built, put(lambda b: b.__dict__, "version", value="0.2.0")),
    (rules.images_of_ours_are_built, edit("tiltfile", "SERVICES = ['demo-dispo', ", "SERVICES = [")),
    (rules.images_of_ours_are_built, edit("dockerfile", "AS cleaning", "AS cleaner")),
    (rules.images_of_ours_are_built, put(container("dispo-worker"), "args", value=["work"])),
    (rules.images_of_ours_are_built, put(composed("dispo-worker"), "command", value=None)),
    (rules.dockerfile_fits_the_workspace, put(lambda b: b.__dict__, "toolchain", value="1.96.0")),
    (rules.dockerfile_fits_the_workspace, edit("dockerfile", " --locked", "")),
    (rules.dockerfile_fits_the_workspace, edit("dockerfile", "-exec touch {} +", "-print")),
    (rules.dockerfile_fits_the_workspace, edit("dockerfile", "id=booking-target,", "")),
    (rules.dockerfile_fits_the_workspace, put(lambda b: b.__dict__, "lock", value='name = "pq-sys"')),
    (rules.build_context_is_complete, edit("dockerignore", "!README.md\n", "")),
    (rules.build_context_is_complete, edit("dockerignore", "!ui-tests\n", "")),
    (rules.ports_are_those_of_the_code, env("dispo", "DISPO_HOST")),
    (rules.ports_are_those_of_the_code, env("cleaning", "CLEANING_PORT", value="8080")),
    (rules.ports_are_those_of_the_code, put(code("dispo"), "variables", "DISPO_PORT", value="8090")),
    (rules.ports_outside_are_the_same_everywhere, put(composed("dispo"), "ports", value=["127.0.0.1:80:8080"])),
    (rules.ports_outside_are_the_same_everywhere, put(composed("dispo"), "ports", value=["0.0.0.0:8080:8080"])),
    (rules.ports_outside_are_the_same_everywhere, edit("tiltfile", "16686:16686", "16687:16686")),
    (rules.ports_outside_are_the_same_everywhere, edit("readme", "| 4317 |", "| 4319 |")),
    (rules.services_lead_to_pods, put(service("dispo"), "selector", value={"app.kubernetes.io/name": "dispos"})),
    (rules.services_lead_to_pods, put(service("dispo"), "selector", value={"app.kubernetes.io/part-of": "booking"})),
    (rules.services_lead_to_pods, put(service("cleaning"), "ports", 0, "port", value=8080)),
    (rules.services_lead_to_pods, put(lambda b: b.named("StatefulSet", "rabbitmq")["spec"], "serviceName", value="mq")),
    (rules.variables_are_known_and_complete, env("dispo", "OTEL_EXPORTER_OTLP_PROTOCOL", name="OTEL_PROTOCOL")),
    (rules.variables_are_known_and_complete, env("cleaning-worker", "QUEUE_URL")),
    (rules.variables_are_known_and_complete, env("dispo-worker", "OTEL_SERVICE_NAME", value="dispo")),
    (rules.variables_are_known_and_complete, env("dispo", "POD_UID", name="POD_ID")),
    (rules.variables_are_known_and_complete, put(composed("dispo"), "environment", "DATABASE_URL", value=None)),
    (rules.variables_are_known_and_complete, put(composed("dispo"), "environment", "DISPO_PORTS", value="1")),
    (rules.variables_are_known_and_complete, put(composed("dispo"), "environment", "RUST_LOG", value="info")),
    (rules.resource_attributes_can_be_read, env("dispo", "OTEL_RESOURCE_ATTRIBUTES", value="a=b, c=d")),
    (rules.addresses_lead_somewhere, env("dispo", "DATABASE_URL", value="postgres://dispo:$(DATABASE_PASSWORD)@cleaning-db:5432/dispo")),
    (rules.addresses_lead_somewhere, env("dispo", "DATABASE_URL", value="postgres://dispo:$(DATABASE_PASSWORD)@dispo-db:5433/dispo")),
    (rules.addresses_lead_somewhere, env("dispo", "QUEUE_URL", value="amqp://booking:$(DATABASE_PASSWORD)@rabbitmq:5672/%2f")),
    (rules.addresses_lead_somewhere, env("dispo", "QUEUE_URL", value="amqp://guest:$(QUEUE_PASSWORD)@rabbitmq:5672/%2f")),
    (rules.addresses_lead_somewhere, env("dispo", "OTEL_EXPORTER_OTLP_PROTOCOL")),
    (rules.addresses_lead_somewhere, put(composed("cleaning-db"), "environment", "POSTGRES_DB", value="other")),
    (rules.addresses_lead_somewhere, put(composed("cleaning-db"), "environment", "POSTGRES_PASSWORD", value="other")),
    (rules.secrets_exist_and_are_examples, put(lambda b: b.named("Secret", "queue"), "stringData", value={"key": "example-only-queue"})),
    (rules.secrets_exist_and_are_examples, put(lambda b: b.named("Secret", "queue"), "stringData", "password", value="hunter2")),
    (rules.secrets_exist_and_are_examples, put(composed("rabbitmq"), "environment", "RABBITMQ_DEFAULT_PASS", value="hunter2")),
    (rules.probes_ask_what_is_there, put(container("dispo"), "readinessProbe", "httpGet", "path", value="/healthz")),
    (rules.probes_ask_what_is_there, put(container("dispo"), "livenessProbe", value=None)),
    (rules.probes_ask_what_is_there, put(container("dispo"), "livenessProbe", value={"tcpSocket": {"port": "http"}})),
    (rules.probes_ask_what_is_there, put(container("cleaning"), "livenessProbe", "httpGet", "path", value="/health")),
    (rules.probes_ask_what_is_there, put(container("jaeger"), "livenessProbe", "httpGet", "port", value="healthy")),
    (rules.probes_ask_what_is_there, put(code("cleaning"), "paths", value={"/api/v1/cleanings/"})),
    (rules.there_is_time_to_start, put(container("dispo"), "startupProbe", "failureThreshold", value=60)),
    (rules.there_is_time_to_start, put(code("cleaning"), "start_seconds", value=120)),
    (rules.volumes_are_there, put(pod("jaeger"), "volumes", value=[])),
    (rules.volumes_are_there, lambda b: b.compose["volumes"].pop("rabbitmq")),
    (rules.journals_outlive_their_processes, env("dispo", "OTEL_RUNTIME_JOURNAL", value="/tmp")),
    (rules.journals_outlive_their_processes, put(container("dispo-worker"), "volumeMounts", value=[])),
    (rules.journals_outlive_their_processes, put(composed("cleaning"), "volumes", value=[])),
    (rules.journals_outlive_their_processes, edit("dockerfile", "--owner=10001", "--owner=0")),
    (rules.there_is_time_to_end, put(pod("dispo"), "terminationGracePeriodSeconds", value=13)),
    (rules.there_is_time_to_end, put(code("cleaning"), "leave_seconds", "serve", value=25)),
    (rules.there_is_time_to_end, put(code("dispo"), "drain_seconds", "worker", value=25)),
    (rules.there_is_time_to_end, put(composed("dispo-worker"), "stop_grace_period", value="9s")),
    (rules.there_is_time_to_end, put(container("cleaning"), "lifecycle", value=None)),
    (rules.services_wait_for_what_they_need, put(composed("dispo"), "depends_on", "rabbitmq", value={"condition": "service_started"})),
    (rules.services_wait_for_what_they_need, put(composed("jaeger"), "healthcheck", value=None)),
    (rules.services_wait_for_what_they_need, edit("tiltfile", "NEEDS + ['cleaning-db']", "NEEDS")),
    (rules.tilt_updates_live, edit("tiltfile", "'../demo-dispo/src'", "'../demo-dispo/sources'")),
    (rules.tilt_updates_live, edit("tiltfile", "'/app/service'", "'/app/dispo'")),
    (rules.tilt_updates_live, edit("tiltfile", "'../target/built'", "'../target/live'")),
    (rules.tilt_updates_live, edit("tiltfile", "SERVICES + ['restart-on-hangup']", "SERVICES")),
    (rules.tilt_updates_live, edit("tiltfile", "['readOnlyRootFilesystem'] = False", "['readOnlyRootFilesystem'] = True")),
    (rules.tilt_updates_live, edit("tiltfile", "run('kill -HUP 1')", "run('true')")),
    (rules.readme_names_what_is_there, edit("readme", "`GET /api/v1/cleanings/`", "`GET /api/v1/cleaning/`")),
    (rules.readme_names_what_is_there, edit("readme", "deploy/k8s/secrets.yaml", "deploy/k8s/secret.yaml")),
    (rules.readme_names_what_is_there, edit("readme", "Docker Engine 25 and Compose", "Docker Compose")),
    (rules.readme_names_what_is_there, edit("readme", "--namespace booking", "--namespace default")),
]


@pytest.mark.parametrize(("rule", "mistake"), MISTAKES, ids=[f"{rule.__name__}-{i}" for i, (rule, _) in enumerate(MISTAKES)])
def test_notices(rule, mistake):
    broken = AS_WRITTEN.copy()
    mistake(broken)
    assert list(rule(broken)) != []


def test_every_rule_is_broken_once():
    assert {rule for rule, _ in MISTAKES} == set(rules.ALL)
