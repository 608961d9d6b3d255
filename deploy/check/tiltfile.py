"""Evaluates the Tiltfile with built-ins that record how they are called."""

import dataclasses
import re
from pathlib import Path

import starlark
import yaml

BUILT_INS = ("docker_build", "k8s_resource", "local_resource", "run", "sync")


@dataclasses.dataclass
class Call:
    name: str
    positional: list
    named: dict


@dataclasses.dataclass
class Tilt:
    calls: list
    manifests: list

    def named(self, name):
        return [call for call in self.calls if call.name == name]


def evaluate(text, manifests):
    """Runs the Tiltfile `text`; what it applies is what it makes of `manifests`, those of the folder `k8s`."""
    tilt = Tilt(calls=[], manifests=[])
    module = starlark.Module()

    def recorder(name):
        def record(*positional, **named):
            tilt.calls.append(Call(name, list(positional), named))
            return f"{name} {len(tilt.calls) - 1}"

        return record

    def kustomize(folder):
        assert folder == "k8s", f"the Tiltfile applies `{folder}`; this check knows `k8s` only"
        return yaml.safe_dump_all(manifests)

    def k8s_yaml(text):
        tilt.manifests.extend(yaml.safe_load_all(text))

    for name in BUILT_INS:
        module.add_callable(name, recorder(name))
    module.add_callable("kustomize", kustomize)
    module.add_callable("k8s_yaml", k8s_yaml)
    module.add_callable("decode_yaml_stream", lambda text: list(yaml.safe_load_all(text)))
    module.add_callable("encode_yaml_stream", lambda values: yaml.safe_dump_all(values))
    # As Tilt does: `for` outside of a function is allowed, `load` is not needed.
    dialect = starlark.Dialect.standard()
    dialect.enable_top_level_stmt = True
    dialect.enable_keyword_only_arguments = True
    starlark.eval(module, starlark.parse("Tiltfile", text, dialect=dialect), starlark.Globals.standard())
    return tilt


def paths(tilt):
    """Every path of the repository that the Tiltfile names, relative to the folder of the Tiltfile."""
    for call in tilt.named("docker_build"):
        yield call.named["dockerfile"]
    for call in tilt.named("local_resource"):
        yield from call.named["deps"]
        yield from re.findall(r"--file (\S+)", call.named["cmd"])


def missing_paths(tilt, folder: Path):
    return [path for path in paths(tilt) if not (folder / path).exists()]
