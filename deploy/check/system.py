"""The deployment as it is written, read once: manifests, compose file, Dockerfile, Tiltfile, README, and the code."""

import copy
import dataclasses
import re
import tomllib
from pathlib import Path

import yaml

import tiltfile

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SERVICES = ("dispo", "cleaning")


@dataclasses.dataclass
class Code:
    """What the sources of one service say."""

    variables: dict  # name -> default, from the table in config.rs
    paths: set  # of the routes
    names: set  # service.name of each role
    roles: set
    start_seconds: int  # how long a database is waited for
    leave_seconds: dict  # role -> how long requests are still taken
    drain_seconds: dict  # role -> how long the work under way may take
    flush_seconds: int
    # How long connections to the broker, and what nobody waits for, may hold up the end.
    close_seconds: dict


@dataclasses.dataclass
class System:
    manifests: list
    compose: dict
    dockerfile: str
    tiltfile: str
    readme: str
    dockerignore: str
    version: str
    toolchain: str
    lock: str
    telemetry: set  # variables that otel-runtime reads
    code: dict

    def copy(self):
        return copy.deepcopy(self)

    def kind(self, *kinds):
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]

    def named(self, kind, name):
        return next(m for m in self.kind(kind) if m["metadata"]["name"] == name)

    def workloads(self):
        """Name and pod of each Deployment and StatefulSet."""
        return [
            (manifest["metadata"]["name"], manifest["spec"]["template"])
            for manifest in self.kind("Deployment", "StatefulSet")
        ]

    def pod(self, name):
        return dict(self.workloads())[name]["spec"]

    def container(self, name):
        (container,) = self.pod(name)["containers"]
        return container

    def processes(self):
        """Each process of ours: its name, its service, and its role."""
        for service in SERVICES:
            yield service, service, "serve"
            yield f"{service}-worker", service, "worker"

    def tilt(self):
        return tiltfile.evaluate(self.tiltfile, self.manifests)


def environment(container):
    """The variables of a container of a manifest; what comes from elsewhere is None."""
    return {variable["name"]: variable.get("value") for variable in container.get("env", [])}


def read():
    with (ROOT / "Cargo.toml").open("rb") as file:
        version = tomllib.load(file)["workspace"]["package"]["version"]
    with (ROOT / "rust-toolchain.toml").open("rb") as file:
        toolchain = tomllib.load(file)["toolchain"]["channel"]
    return System(
        manifests=read_manifests(),
        compose=yaml.safe_load(text("deploy/compose.yaml")),
        dockerfile=text("deploy/docker/Dockerfile"),
        tiltfile=text("deploy/Tiltfile"),
        readme=text("deploy/README.md"),
        dockerignore=text(".dockerignore"),
        version=version,
        toolchain=toolchain,
        lock=text("Cargo.lock"),
        telemetry=read_telemetry(),
        code={service: read_code(service) for service in SERVICES},
    )


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def read_manifests():
    """What `kubectl kustomize` would print: the kustomization has a list of files and a namespace, and nothing else."""
    folder = DEPLOY / "k8s"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    unknown = set(kustomization) - {"apiVersion", "kind", "namespace", "resources"}
    assert not unknown, f"kustomization.yaml has {unknown}, which this check does not know"
    listed = {folder / name for name in kustomization["resources"]}
    there = set(folder.glob("*.yaml")) - {folder / "kustomization.yaml"}
    assert listed == there, f"kustomization.yaml and its folder differ: {listed ^ there}"
    manifests = []
    for name in kustomization["resources"]:
        for manifest in yaml.safe_load_all((folder / name).read_text(encoding="utf-8")):
            if manifest["kind"] != "Namespace":
                manifest["metadata"]["namespace"] = kustomization["namespace"]
            manifests.append(manifest)
    return manifests


def read_telemetry():
    """The variables that otel-runtime names in its settings, without those that it only warns about."""
    folder = ROOT / "otel-runtime" / "src"
    sources = [folder / "config.rs", *(folder / "config").glob("*.rs")]
    found = set()
    for path in sources:
        if path.name != "tests.rs":
            source = re.sub(r"const UNSUPPORTED.*?\];", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            found |= set(re.findall(r'"(OTEL_[A-Z_]+)"', source))
    assert "OTEL_SERVICE_NAME" in found, "otel-runtime/src/config names its variables in another way now"
    return found


def read_code(service):
    folder = f"demo-{service}/src"
    table = re.findall(r"^//! \| `([A-Z_]+)` *\|[^|]*\| `([^`]+)`", text(f"{folder}/config.rs"), re.MULTILINE)
    main = text(f"{folder}/main.rs")
    routes = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / folder / "routes").glob("*.rs")))
    return Code(
        variables=dict(table),
        paths=set(re.findall(r'resource\("([^"]+)"\)', routes)),
        names=set(re.findall(r'Self::\w+ => "([a-z-]+)"', main)),
        roles=set(re.findall(r'Some\("([a-z]+)"\)', main)),
        start_seconds=seconds(f"{folder}/store/start.rs", "START_TIMEOUT"),
        leave_seconds={"serve": seconds(f"{folder}/app.rs", "LEAVE_TIME"), "worker": 0},
        drain_seconds={
            "serve": seconds(f"{folder}/app.rs", "DRAIN_TIMEOUT"),
            "worker": seconds(f"{folder}/worker/mod.rs", "DRAIN_TIMEOUT"),
        },
        flush_seconds=seconds(f"{folder}/main.rs", "FLUSH_TIMEOUT"),
        # A worker ends its consumer, the consumer's connection and the one on which it publishes; a web service the last.
        close_seconds={
            role: answers * seconds(f"{folder}/queue/rabbitmq.rs", "ANSWER_TIMEOUT") + seconds(f"{folder}/main.rs", "END_TIMEOUT")
            for role, answers in (("serve", 1), ("worker", 3))
        },
    )


def seconds(path, constant):
    found = re.search(rf"const {constant}: Duration = Duration::from_(millis|secs|mins)\((\d+)\)", text(path))
    assert found, f"{path} says {constant} in another way now"
    unit, count = found.groups()
    return int(count) * {"millis": 0.001, "secs": 1, "mins": 60}[unit]
