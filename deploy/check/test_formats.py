"""Each file is what its own format demands; a copy with one mistake is refused."""

import http.server
import os
import signal
import subprocess
import threading

import kubernetes_validate
import pytest
import starlark
import yaml

import system

AS_WRITTEN = system.read()
KUBERNETES = kubernetes_validate.latest_version()


def validate(manifest):
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def execute(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


@pytest.mark.parametrize("manifest", AS_WRITTEN.manifests, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_manifest_fits_the_schema(manifest):
    validate(manifest)


def spell_wrongly(broken):
    pod = broken.pod("dispo")
    pod["terminationGracePeriodSecond"] = pod.pop("terminationGracePeriodSeconds")


def give_text_for_a_number(broken):
    broken.named("Service", "dispo")["spec"]["ports"][0]["port"] = "8080"


@pytest.mark.parametrize("mistake", [spell_wrongly, give_text_for_a_number])
def test_wrong_manifest_is_refused(mistake):
    broken = AS_WRITTEN.copy()
    mistake(broken)
    with pytest.raises(kubernetes_validate.ValidationError):
        for manifest in broken.manifests:
            validate(manifest)


@pytest.mark.parametrize(("change", "accepted"), [({}, True), ({"read_onlyy": True}, False)])
def test_compose(tmp_path, change, accepted):
    compose = AS_WRITTEN.copy().compose
    compose["services"]["dispo"] |= change
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump(compose), encoding="utf-8")
    outcome = execute("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    assert (outcome.returncode == 0) is accepted, outcome.stdout


@pytest.mark.parametrize(("change", "accepted"), [(("", ""), True), ((":13.6-slim", ""), False)])
def test_dockerfile(tmp_path, change, accepted):
    path = tmp_path / "Dockerfile"
    path.write_text(AS_WRITTEN.dockerfile.replace(*change), encoding="utf-8")
    outcome = execute("hadolint", "--failure-threshold", "style", str(path))
    assert (outcome.returncode == 0) is accepted, outcome.stdout


def test_wrong_tiltfile_is_refused():
    broken = AS_WRITTEN.copy()
    broken.tiltfile += "\nk8s_resources('dispo')\n"
    with pytest.raises(starlark.StarlarkError):
        broken.tilt()


# Writes what the Dockerfile's stage `binaries` has.
DOCKER = """#!/bin/sh
for word; do case $word in *dest=*) folder=${word#*dest=} ;; esac; done
mkdir -p "$folder" && cd "$folder" || exit
for file in demo-dispo demo-cleaning restart-on-hangup; do echo "$file $(cat ../$file.version)" > "$file"; done
"""


def test_only_what_differs_is_moved_to_where_tilt_looks(tmp_path):
    deploy, target, live = tmp_path / "deploy", tmp_path / "target", tmp_path / "target" / "live"
    for folder in (deploy, target):
        folder.mkdir()
    docker = tmp_path / "docker"
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    (binaries,) = AS_WRITTEN.tilt().named("local_resource")

    def build(**versions):
        for name in ("demo-dispo", "demo-cleaning", "restart-on-hangup"):
            (target / f"{name}.version").write_text(versions.get(name.split("-")[-1], "1"), encoding="utf-8")
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        subprocess.run(["sh", "-c", binaries.named["cmd"]], cwd=deploy, env=environment, check=True)
        return {path.name: (path.read_text(encoding="utf-8"), path.stat().st_ino) for path in live.iterdir()}

    first = build()
    assert sorted(first) == ["demo-cleaning", "demo-dispo", "restart-on-hangup"]
    assert build() == first
    # By the number of the file: another takes the place of the old one, which is not written to.
    changed = build(dispo="2")
    assert {name for name in first if changed[name] != first[name]} == {"demo-dispo"}
    assert changed["demo-dispo"][0] == "demo-dispo 2\n" and changed["demo-dispo"][1] != first["demo-dispo"][1]

    docker.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        build()


SCRIPT = str(system.DEPLOY / "docker" / "restart-on-hangup")


def test_script_ends_with_the_status_of_its_command():
    assert execute(SCRIPT, "sh", "-c", "exit 7").returncode == 7


def test_script_restarts_at_hangup_and_ends_at_terminate():
    command = 'trap "echo ended; exit 3" TERM; echo started; while :; do sleep 0.05; done'
    # Who runs these tests may ignore hang-ups, and what is ignored from the start a shell cannot trap.
    with subprocess.Popen(
        [SCRIPT, "sh", "-c", command],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGHUP)
        assert [process.stdout.readline() for _ in range(2)] == ["ended\n", "started\n"]
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "ended\n"
        assert process.wait(timeout=10) == 3


def health_check(port):
    """That of compose.yaml, as compose would run it, with another port."""
    check = AS_WRITTEN.compose["services"]["dispo"]["healthcheck"]["test"]
    return [word.replace("$$", "$").replace("/8080 ", f"/{port} ") for word in check[1:]]


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_health_check_of_compose(status, healthy):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert (execute(*health_check(server.server_port)).returncode == 0) is healthy
        server.shutdown()
    assert execute(*health_check(server.server_port)).returncode != 0
