"""What must agree between the files of the deployment, and with the code. Each rule yields a sentence per mistake."""

import re
from urllib.parse import unquote, urlsplit

import tiltfile
from system import DEPLOY, ROOT, SERVICES, environment

REFERENCE = re.compile(r"\$\(([A-Z_]+)\)")
# The ports of the course, and those that came with RabbitMQ and the second service.
OUTSIDE = {"jaeger": {16686, 4317, 4318}, "dispo": {8080}, "cleaning": {8081}, "rabbitmq": {15672}}
# The last attempt to reach a database may begin when the waiting ends, and one that is reached gets its tables.
SET_UP_SECONDS = 30
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pods_are_hardened(system):
    for name, template in system.workloads():
        pod = template["spec"]
        context = pod.get("securityContext", {})
        if not (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0):
            yield f"{name}: may run as root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{name}: has no seccomp profile"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: is given a token of the cluster"
        # Kubernetes would set DISPO_PORT to tcp://10.0.0.1:8080 for the Service dispo.
        if pod.get("enableServiceLinks") is not False:
            yield f"{name}: Services would set variables such as DISPO_PORT; say enableServiceLinks: false"
        for container in pod["containers"]:
            if container.get("securityContext") != HARDENED:
                yield f"{name}: its securityContext is not {HARDENED}"
            resources = container.get("resources", {})
            for part in ("requests", "limits"):
                if set(resources.get(part, {})) != {"cpu", "memory"}:
                    yield f"{name}: {part} are not of cpu and memory"


def compose_services_are_hardened(system):
    for name, service in system.compose["services"].items():
        if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"]:
            yield f"{name}: is not read-only and without capabilities"
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name}: may gain privileges"
        if "mem_limit" not in service or "cpus" not in service:
            yield f"{name}: has no limits"
        if not name.startswith(SERVICES) or name.endswith("-db"):
            if str(service.get("user", "0")).split(":")[0] in ("0", "root"):
                yield f"{name}: may run as root"


def image_is_not_root(system):
    users = re.findall(r"^USER (.+)$", system.dockerfile, re.MULTILINE)
    for name, *_ in system.processes():
        context = system.pod(name)["securityContext"]
        expected = f"{context.get('runAsUser')}:{context.get('runAsGroup')}"
        if users != [expected]:
            yield f"{name}: runs as {expected}, the image as {users}"


def the_same_workloads_everywhere(system):
    manifests = {name for name, _ in system.workloads()}
    if manifests != set(system.compose["services"]):
        yield f"manifests and compose.yaml differ in {manifests ^ set(system.compose['services'])}"
    resources = {call.positional[0] for call in system.tilt().named("k8s_resource")}
    if manifests != resources:
        yield f"manifests and Tiltfile differ in {manifests ^ resources}"
    for name, *_ in system.processes():
        if name not in manifests:
            yield f"{name} is not deployed"


def images_are_equal_and_have_versions(system):
    for name, template in system.workloads():
        image = template["spec"]["containers"][0]["image"]
        other = system.compose["services"].get(name, {}).get("image")
        if image != other:
            yield f"{name}: {image} in the manifests, {other} in compose.yaml"
    images = [template["spec"]["containers"][0]["image"] for _, template in system.workloads()]
    stages = set(re.findall(r" AS (\S+)$", system.dockerfile, re.MULTILINE))
    based = [image for image in re.findall(r"^FROM (\S+)", system.dockerfile, re.MULTILINE) if image not in stages]
    for image in images + [image for image in based if image != "scratch"]:
        if not re.search(r":\d+\.\d+", image):
            yield f"{image}: has no fixed version"
    for image in re.findall(r"\bdemo-\w+:[\w.]+", system.readme + system.dockerfile):
        if image not in images:
            yield f"{image}: is built, but not deployed"


def images_of_ours_are_built(system):
    stages = set(re.findall(r" AS (\S+)$", system.dockerfile, re.MULTILINE))
    by_tilt = {call.positional[0] for call in system.tilt().named("docker_build")}
    for name, service, role in system.processes():
        image = f"demo-{service}:{system.version}"
        container, composed = system.container(name), system.compose["services"][name]
        if container["image"] != image:
            yield f"{name}: its image is {container['image']}, the workspace is at {image}"
        if f"demo-{service}" not in by_tilt:
            yield f"{name}: the Tiltfile does not build demo-{service}"
        build = composed["build"]
        if build["target"] != service or build["target"] not in stages:
            yield f"{name}: compose.yaml builds the target {build['target']}"
        if (DEPLOY / build["context"]).resolve() != ROOT or not (ROOT / build["dockerfile"]).is_file():
            yield f"{name}: compose.yaml does not build the Dockerfile from the root"
        for arguments in (container.get("args"), composed.get("command")):
            if arguments != [role] or role not in system.code[service].roles:
                yield f"{name}: is started with {arguments}, not with its role `{role}`"


def dockerfile_fits_the_workspace(system):
    if not re.search(rf"^FROM rust:{re.escape(system.toolchain)}-", system.dockerfile, re.MULTILINE):
        yield f"the Dockerfile does not build with the compiler of rust-toolchain.toml, {system.toolchain}"
    if "cargo build --locked " not in system.dockerfile:
        yield "the Dockerfile builds without --locked"
    # The cache remembers times of other sources; and without an id, whoever builds in /src has the same.
    if not re.search(r"-type f -exec touch \{\} \+ \\\n +&& cargo build ", system.dockerfile):
        yield "the Dockerfile does not touch the sources before it builds them; cargo may take old ones for what it has"
    if not re.search(r"--mount=type=cache,id=\S+,target=/src/target,sharing=locked", system.dockerfile):
        yield "the Dockerfile keeps what it builds in a cache without an id, or one that two builds write at once"
    if 'name = "pq-sys"' in system.lock and 'name = "pq-src"' not in system.lock:
        for package in ("libpq-dev", "libpq5"):
            if package not in system.dockerfile:
                yield f"pq-sys links libpq, and the Dockerfile does not install {package}"


def build_context_is_complete(system):
    """The build reads the members of the workspace, and what they include or link to from elsewhere."""
    kept = [line[1:] for line in system.dockerignore.splitlines() if line.startswith("!")]

    def is_kept(path):
        return any(path == ROOT / name or ROOT / name in path.parents for name in kept)

    needed = {ROOT / "Cargo.toml", ROOT / "Cargo.lock"}
    needed |= {ROOT / path for path in re.findall(r"^COPY (deploy/\S+)", system.dockerfile, re.MULTILINE)}
    for manifest in ROOT.glob("*/Cargo.toml"):
        needed.add(manifest)
        for source in (manifest.parent / "src").rglob("*.rs"):
            for included in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text(encoding="utf-8")):
                needed.add((source.parent / included).resolve())
    needed.add(DEPLOY / "local" / "Cargo.toml")
    for path in sorted(needed):
        if not path.exists():
            yield f"{path.relative_to(ROOT)}: does not exist"
        elif not is_kept(path):
            yield f"{path.relative_to(ROOT)}: .dockerignore keeps it out of the build"


def ports_are_those_of_the_code(system):
    for service in SERVICES:
        name = service.upper()
        default = system.code[service].variables[f"{name}_PORT"]
        composed = system.compose["services"][service]
        container = system.container(service)
        for where, variables in (("manifest", environment(container)), ("compose.yaml", composed["environment"])):
            if variables.get(f"{name}_HOST") != "0.0.0.0":
                yield f"{service}, {where}: {name}_HOST is not 0.0.0.0; nobody outside of the container could ask"
            if variables.get(f"{name}_PORT") != default:
                yield f"{service}, {where}: {name}_PORT is {variables.get(f'{name}_PORT')}, the code's default {default}"
        if [port["containerPort"] for port in container["ports"]] != [int(default)]:
            yield f"{service}: its container port is not {default}"
        if f"/127.0.0.1/{default} " not in " ".join(composed["healthcheck"]["test"]):
            yield f"{service}: the health check of compose.yaml does not ask port {default}"


def ports_outside_are_the_same_everywhere(system):
    for name in system.compose["services"]:
        expected = {(port, port) for port in OUTSIDE.get(name, ())}
        published = set()
        for port in system.compose["services"][name].get("ports", []):
            address, outer, inner = port.rsplit(":", 2)
            published.add((int(outer), int(inner)))
            if address != "127.0.0.1":
                yield f"{name}: compose.yaml opens {port} to the network"
        if published != expected:
            yield f"{name}: compose.yaml publishes {published}, not {expected}"
        for call in system.tilt().named("k8s_resource"):
            if call.positional[0] == name:
                forwarded = {tuple(map(int, port.split(":"))) for port in call.named.get("port_forwards", [])}
                if forwarded != expected:
                    yield f"{name}: the Tiltfile forwards {forwarded}, not {expected}"
        if expected:
            ports = {port["containerPort"] for port in system.container(name)["ports"]}
            if not {inner for _, inner in expected} <= ports:
                yield f"{name}: its containers have {ports} only"
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", system.readme, re.MULTILINE)
    if {(int(port), name) for port, name in rows} != {(port, name) for name in OUTSIDE for port in OUTSIDE[name]}:
        yield f"README.md lists {rows}, not {OUTSIDE}"


def services_lead_to_pods(system):
    for service in system.kind("Service"):
        name, spec = service["metadata"]["name"], service["spec"]
        pods = [t for _, t in system.workloads() if spec["selector"].items() <= t["metadata"]["labels"].items()]
        if len(pods) != 1:
            yield f"the Service {name} selects {len(pods)} kinds of pods"
            continue
        ports = {port["name"]: port["containerPort"] for port in pods[0]["spec"]["containers"][0].get("ports", [])}
        for port in spec["ports"]:
            if ports.get(port["targetPort"]) != port["port"]:
                yield f"the Service {name}: port {port['port']} leads to {port['targetPort']}, which is not that"
    for manifest in system.kind("Deployment", "StatefulSet"):
        name, spec = manifest["metadata"]["name"], manifest["spec"]
        if not spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items():
            yield f"{name}: does not select its own pods"
    for manifest in system.kind("StatefulSet"):
        if not any(s["metadata"]["name"] == manifest["spec"]["serviceName"] for s in system.kind("Service")):
            yield f"{manifest['metadata']['name']}: there is no Service {manifest['spec']['serviceName']}"
    listening = {name for name, t in system.workloads() if t["spec"]["containers"][0].get("ports")}
    served = {service["metadata"]["name"] for service in system.kind("Service")}
    if listening != served:
        yield f"these listen without a Service, or the other way round: {listening ^ served}"


def variables_are_known_and_complete(system):
    for name, service, _ in system.processes():
        known = set(system.code[service].variables) | system.telemetry
        required = {"DATABASE_URL", "QUEUE_URL", "OTEL_SERVICE_NAME", "OTEL_EXPORTER_OTLP_ENDPOINT"}
        required.add("OTEL_RESOURCE_ATTRIBUTES")
        manifest = environment(system.container(name))
        referred = {found for value in manifest.values() if value for found in REFERENCE.findall(value)}
        for where, variables in (("manifest", manifest), ("compose.yaml", system.compose["services"][name]["environment"])):
            for unknown in sorted(set(variables) - known - (referred if where == "manifest" else set())):
                yield f"{name}, {where}: nothing reads {unknown}"
            for missing in sorted(required - set(variables)):
                yield f"{name}, {where}: {missing} is not set"
            # What is set takes the place of the default, which keeps the spans of the broker's client out of the log.
            if "tracing::span=" not in variables.get("RUST_LOG", "tracing::span="):
                yield f"{name}, {where}: RUST_LOG lets the broker's client tell of its spans; leave it out"
            if variables.get("OTEL_SERVICE_NAME") != name or name not in system.code[service].names:
                yield f"{name}, {where}: OTEL_SERVICE_NAME is {variables.get('OTEL_SERVICE_NAME')}"
        seen = set()
        for variable in system.container(name)["env"]:
            for found in REFERENCE.findall(variable.get("value", "")):
                # Kubernetes leaves a reference to what comes later as it stands.
                if found not in seen:
                    yield f"{name}: {variable['name']} refers to {found}, which is not set before it"
            seen.add(variable["name"])


def resource_attributes_can_be_read(system):
    for name, *_ in system.processes():
        pairs = environment(system.container(name)).get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")
        keys = [pair.partition("=")[0] for pair in pairs]
        if not all(re.fullmatch(r"[a-z0-9._]+=[\w$().-]+", pair) for pair in pairs):
            yield f"{name}: OTEL_RESOURCE_ATTRIBUTES is not a list of key=value: {pairs}"
        if not {"service.instance.id", "k8s.pod.name", "k8s.pod.uid", "k8s.namespace.name"} <= set(keys):
            yield f"{name}: OTEL_RESOURCE_ATTRIBUTES does not say which pod it is"
        for pair, expected in ((f"k8s.deployment.name={name}", name), (f"k8s.container.name={name}", name)):
            if pair not in pairs:
                yield f"{name}: OTEL_RESOURCE_ATTRIBUTES has no {pair}"


def addresses_lead_somewhere(system):
    """Every URL names a service and a port of it, and the user, password and database that the other side sets up."""
    manifests = {name: environment(t["spec"]["containers"][0]) for name, t in system.workloads()}
    composed = {name: service.get("environment", {}) for name, service in system.compose["services"].items()}
    for where, variables in (("manifest", manifests), ("compose.yaml", composed)):
        for name, service, _ in system.processes():
            own = variables[name]
            for variable, scheme, host in (
                ("DATABASE_URL", "postgres", f"{service}-db"),
                ("QUEUE_URL", "amqp", "rabbitmq"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http", "jaeger"),
            ):
                # Stands in for what compose and Kubernetes put in; a URL parser would stumble over its colon.
                password = re.search(r"\$\{[^}]+\}|\$\([^)]+\)", own.get(variable, ""))
                url = urlsplit(own.get(variable, "").replace(password.group() if password else "\0", "PASSWORD"))
                if (url.scheme, url.hostname) != (scheme, host):
                    yield f"{name}, {where}: {variable} does not lead to {host}"
                    continue
                port = {port["containerPort"] for port in system.container(host)["ports"]}
                if url.port not in port:
                    yield f"{name}, {where}: {variable} takes port {url.port}, {host} has {port}"
                other, path = variables[host], unquote(url.path.removeprefix("/"))
                if scheme == "postgres" and (url.username, path) != (other["POSTGRES_USER"], other["POSTGRES_DB"]):
                    yield f"{name}, {where}: {variable} takes another user or database than {host} has"
                if scheme == "amqp" and (url.username, path) != (other["RABBITMQ_DEFAULT_USER"], "/"):
                    yield f"{name}, {where}: {variable} takes another user or virtual host than {host} has"
                if scheme != "http" and where == "compose.yaml":
                    there = other.get("POSTGRES_PASSWORD", other.get("RABBITMQ_DEFAULT_PASS"))
                    if not password or password.group() != there:
                        yield f"{name}, {where}: {variable} takes another password than {host} has"
                if scheme != "http" and where == "manifest":
                    here = secret(system, name, password.group()[2:-1]) if password else None
                    key = "POSTGRES_PASSWORD" if scheme == "postgres" else "RABBITMQ_DEFAULT_PASS"
                    if not here or here != secret(system, host, key):
                        yield f"{name}, {where}: {variable} takes another password than {host} has"
            grpc = own.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") == "grpc"
            if not own.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").endswith(":4317" if grpc else ":4318"):
                yield f"{name}, {where}: OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL do not fit"


def secret(system, name, variable):
    """Secret and key that a variable of a container comes from."""
    for found in system.container(name).get("env", []):
        if found["name"] == variable:
            reference = found.get("valueFrom", {}).get("secretKeyRef", {})
            return reference.get("name"), reference.get("key")
    return None


def secrets_exist_and_are_examples(system):
    secrets = {manifest["metadata"]["name"]: manifest["stringData"] for manifest in system.kind("Secret")}
    used = set()
    for name, _ in system.workloads():
        for variable in system.container(name).get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                used.add(reference["name"])
                if reference["key"] not in secrets.get(reference["name"], {}):
                    yield f"{name}: there is no key {reference['key']} in a Secret {reference['name']}"
    for name, values in secrets.items():
        if name not in used:
            yield f"the Secret {name} is not used"
        for value in values.values():
            if not re.fullmatch(r"example-only-[a-z]+", value):
                yield f"the Secret {name} holds a value that does not look like an example"
    for name, service in system.compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if "PASS" in variable and not re.fullmatch(r"\$\{[A-Z_]+:-example-only-[a-z]+\}", value):
                yield f"{name}: {variable} of compose.yaml is not an example that can be replaced"


def probes_ask_what_is_there(system):
    for name, template in system.workloads():
        container = template["spec"]["containers"][0]
        ports = {port["name"] for port in container.get("ports", [])}
        probes = {kind: container[kind] for kind in ("startupProbe", "readinessProbe", "livenessProbe") if kind in container}
        if ports and len(probes) != 3:
            yield f"{name}: has only {sorted(probes)}"
        paths = {"/status"} if name == "jaeger" else system.code[name].paths if name in SERVICES else set()
        for kind, probe in probes.items():
            http = probe.get("httpGet")
            if http and http["path"] not in paths:
                yield f"{name}: its {kind} asks {http['path']}, which is not there"
            asked = (http or probe.get("tcpSocket") or {}).get("port")
            if asked and asked not in ports:
                yield f"{name}: its {kind} asks the port {asked}, which it does not have"
        if name in SERVICES:
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                if "httpGet" not in probes.get(kind, {}):
                    yield f"{name}: its {kind} does not ask the service"
            live, ready = (probes.get(kind, {}).get("httpGet") for kind in ("livenessProbe", "readinessProbe"))
            if live and live == ready:
                yield f"{name}: is started again when what it needs is down"
            asked = re.findall(r"GET (\S+) HTTP", " ".join(system.compose["services"][name]["healthcheck"]["test"]))
            if not asked or not set(asked) <= system.code[name].paths:
                yield f"{name}: the health check of compose.yaml asks {asked}"


def there_is_time_to_start(system):
    """A service that is killed while it waits for its database cannot say what it waits for."""
    for service in SERVICES:
        probe = system.container(service)["startupProbe"]
        given = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
        needed = system.code[service].start_seconds + SET_UP_SECONDS
        if given < needed:
            yield f"{service}: its startupProbe leaves {given} s; its database is waited for and set up in {needed} s"


def volumes_are_there(system):
    for manifest in system.kind("Deployment", "StatefulSet"):
        name, pod = manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]
        there = {volume["name"] for volume in pod.get("volumes", [])}
        there |= {claim["metadata"]["name"] for claim in manifest["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for mount in pod["containers"][0].get("volumeMounts", [])}
        if there != mounted:
            yield f"{name}: volumes and mounts differ in {there ^ mounted}"
    for name, service in system.compose["services"].items():
        for volume in service.get("volumes", []):
            if volume.split(":")[0] not in system.compose["volumes"]:
                yield f"{name}: compose.yaml has no volume {volume}"


def journals_outlive_their_processes(system):
    for name, *_ in system.processes():
        container, composed = system.container(name), system.compose["services"][name]
        folder = environment(container).get("OTEL_RUNTIME_JOURNAL")
        if not folder or composed["environment"].get("OTEL_RUNTIME_JOURNAL") != folder:
            yield f"{name}: OTEL_RUNTIME_JOURNAL is not one folder in the manifest and in compose.yaml"
        if folder not in [mount["mountPath"] for mount in container.get("volumeMounts", [])]:
            yield f"{name}: the manifest mounts nothing at {folder}, which cannot be written then"
        if folder not in [volume.split(":")[1] for volume in composed.get("volumes", [])]:
            yield f"{name}: compose.yaml mounts nothing at {folder}, which cannot be written then"
        user = system.pod(name)["securityContext"]
        owned = f"--owner={user.get('runAsUser')} --group={user.get('runAsGroup')} {folder}\n"
        if owned not in system.dockerfile:
            yield f"{name}: {folder} is not its own in the image, nor would the volume of compose.yaml be"


def there_is_time_to_end(system):
    for name, service, role in system.processes():
        code = system.code[service]
        own = code.leave_seconds[role] + code.drain_seconds[role] + code.close_seconds[role] + code.flush_seconds
        pod = system.pod(name)
        pause = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if role == "serve" and pause == 0:
            yield f"{name}: ends while connections still arrive; say lifecycle.preStop.sleep"
        if pod.get("terminationGracePeriodSeconds", 30) <= pause + own:
            yield f"{name}: its terminationGracePeriodSeconds are not more than {pause} + {own}"
        grace = system.compose["services"][name].get("stop_grace_period", "10s")
        if int(grace.removesuffix("s")) <= own:
            yield f"{name}: its stop_grace_period of {grace} is not more than {own} s"


def services_wait_for_what_they_need(system):
    services = system.compose["services"]
    for name, service, _ in system.processes():
        needs = {f"{service}-db", "rabbitmq", "jaeger"}
        found = {need for need, how in services[name]["depends_on"].items() if how == {"condition": "service_healthy"}}
        if found != needs:
            yield f"{name}: compose.yaml waits for {sorted(found)} to be healthy, not for {sorted(needs)}"
        for need in needs:
            if "healthcheck" not in services[need]:
                yield f"{need}: compose.yaml has no health check for it"
        for call in system.tilt().named("k8s_resource"):
            if call.positional[0] == name and set(call.named["resource_deps"]) != needs | {"binaries"}:
                yield f"{name}: the Tiltfile waits for {call.named['resource_deps']}"


def tilt_updates_live(system):
    tilt = system.tilt()
    for path in tiltfile.missing_paths(tilt, DEPLOY):
        yield f"the Tiltfile names {path}, which does not exist"
    commands = [call.named["cmd"] for call in tilt.named("local_resource")]
    syncs = {call.positional for call in map(frozen, tilt.named("sync"))}
    live = re.search(r" AS live$(.*)", system.dockerfile, re.MULTILINE | re.DOTALL).group(1)
    for call in tilt.named("docker_build"):
        binary, context = call.positional
        # What is rewritten counts as changed. The script has no sync, so it would have the whole image built again.
        if any(f"dest={context} " in command for command in commands):
            yield f"{binary}: each build writes all files of {context} anew"
        moves = [re.search(r"--target binaries .* for file in ([^;]+);.* mv .*", command) for command in commands]
        moved = [move.group(1).split() for move in moves if move and f" {context}/$file" in move.group()]
        if not any(set(call.named["only"]) <= set(files) for files in moved):
            yield f"{binary}: nothing moves {call.named['only']} into {context}"
        if (f"{context}/{binary}", "/app/service") not in syncs or "${SERVICE} /app/service" not in live:
            yield f"{binary}: is not put where the image has it"
        if call.named["target"] != "live" or call.named["build_args"] != {"SERVICE": binary}:
            yield f"{binary}: is not built from the stage `live`"
    if [call.positional for call in tilt.named("run")] != [["kill -HUP 1"]] * len(SERVICES):
        yield "the Tiltfile does not restart what it has put in place"
    for manifest in tilt.manifests:
        for container in tiltfile_containers(manifest):
            ours = container["image"].startswith("demo-")
            if container["securityContext"]["readOnlyRootFilesystem"] is ours:
                yield f"{container['name']}: its files can{'not' if ours else ''} be written under Tilt"
    if len(tilt.manifests) != len(system.manifests):
        yield "the Tiltfile does not apply all manifests"


def frozen(call):
    call.positional = tuple(call.positional)
    return call


def tiltfile_containers(manifest):
    return manifest["spec"]["template"]["spec"]["containers"] if manifest["kind"] in ("Deployment", "StatefulSet") else []


def readme_names_what_is_there(system):
    for path in re.findall(r"`((?:deploy|\.ci)/[\w./-]+)`|(deploy/\S+?)[`\s]", system.readme):
        name = (path[0] or path[1]).rstrip("`.,")
        if not (ROOT / name).exists():
            yield f"README.md names {name}, which does not exist"
    for service, paths in ((service, system.code[service].paths) for service in SERVICES):
        row = re.search(rf"^\| \d+ \| {service} \| (.*) \|$", system.readme, re.MULTILINE)
        for path in re.findall(r"/[\w/]+", row.group(1) if row else ""):
            if path not in paths:
                yield f"README.md names {path}, which {service} does not have"
    checks = [service.get("healthcheck", {}) for service in system.compose["services"].values()]
    if any("start_interval" in check for check in checks) and "Docker Engine 25 " not in system.readme:
        yield "README.md does not say that `start_interval`, which compose.yaml has, needs Docker Engine 25"
    namespace = system.kind("Namespace")[0]["metadata"]["name"]
    if f"--namespace {namespace} " not in system.readme:
        yield f"README.md does not name the namespace {namespace}"
    for manifest in system.manifests:
        if manifest["kind"] != "Namespace" and manifest["metadata"]["namespace"] != namespace:
            yield f"{manifest['metadata']['name']} is in the namespace {manifest['metadata']['namespace']}"


ALL = [
    pods_are_hardened,
    compose_services_are_hardened,
    image_is_not_root,
    the_same_workloads_everywhere,
    images_are_equal_and_have_versions,
    images_of_ours_are_built,
    dockerfile_fits_the_workspace,
    build_context_is_complete,
    ports_are_those_of_the_code,
    ports_outside_are_the_same_everywhere,
    services_lead_to_pods,
    variables_are_known_and_complete,
    resource_attributes_can_be_read,
    addresses_lead_somewhere,
    secrets_exist_and_are_examples,
    probes_ask_what_is_there,
    there_is_time_to_start,
    volumes_are_there,
    journals_outlive_their_processes,
    there_is_time_to_end,
    services_wait_for_what_they_need,
    tilt_updates_live,
    readme_names_what_is_there,
]
