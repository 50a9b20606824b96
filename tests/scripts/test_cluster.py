"""The ready files for clusters keep to their schemas, and to the project: versions, entrypoint, image."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

pytestmark = pytest.mark.ray  # Ray's own schema comes with it

# Written from the fields that KubeRay documents for RayJob (ray.io/v1), of those that the manifest uses; the operator's
# own definition is a megabyte of Kubernetes types and comes with no Python package.
QUANTITY = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[KMGT]i?)?$"}
NAMED: dict[str, Any] = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
CONTAINER: dict[str, Any] = {
    "type": "object",
    "required": ["name", "image"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "resources": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "object", "additionalProperties": QUANTITY} for name in ("requests", "limits")
            },
        },
        "envFrom": {"type": "array", "items": {"type": "object", "properties": {"secretRef": NAMED}}},
        "volumeMounts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "mountPath"],
                "additionalProperties": False,
                "properties": {"name": {"type": "string"}, "mountPath": {"type": "string"}},
            },
        },
    },
}
TEMPLATE: dict[str, Any] = {
    "type": "object",
    "required": ["spec"],
    "additionalProperties": False,
    "properties": {
        "spec": {
            "type": "object",
            "required": ["containers"],
            "additionalProperties": False,
            "properties": {
                "containers": {"type": "array", "minItems": 1, "items": CONTAINER},
                "volumes": {"type": "array", "items": NAMED},
                "terminationGracePeriodSeconds": {"type": "integer"},
            },
        }
    },
}
START = {"type": "object", "additionalProperties": {"type": "string"}}
WORKERS: dict[str, Any] = {
    "type": "object",
    "required": ["groupName", "rayStartParams", "template"],
    "additionalProperties": False,
    "properties": {
        "groupName": {"type": "string"},
        **{name: {"type": "integer", "minimum": 0} for name in ("replicas", "minReplicas", "maxReplicas")},
        "rayStartParams": START,
        "template": TEMPLATE,
    },
}
CLUSTER: dict[str, Any] = {
    "type": "object",
    "required": ["headGroupSpec"],
    "additionalProperties": False,
    "properties": {
        "rayVersion": {"type": "string"},
        "enableInTreeAutoscaling": {"type": "boolean"},
        "authOptions": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"mode": {"enum": ["token", "disabled"]}},
        },
        "headGroupSpec": {
            "type": "object",
            "required": ["rayStartParams", "template"],
            "additionalProperties": False,
            "properties": {"rayStartParams": START, "template": TEMPLATE},
        },
        "workerGroupSpecs": {"type": "array", "items": WORKERS},
    },
}
RAYJOB: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": NAMED,
        "spec": {
            "type": "object",
            "required": ["entrypoint", "rayClusterSpec"],
            "additionalProperties": False,
            "properties": {
                "entrypoint": {"type": "string"},
                "submissionMode": {"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
                "backoffLimit": {"type": "integer", "minimum": 0},
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": {"type": "integer", "minimum": 0},
                "rayClusterSpec": CLUSTER,
            },
        },
    },
}


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "scripts" / "cluster"


def test_the_cluster_file_keeps_to_the_schema_that_ray_ships(folder: Path) -> None:
    # given Ray's schema, which allows no unknown key at the top
    spec = find_spec("ray")
    assert spec is not None and spec.origin is not None
    schema = json.loads((Path(spec.origin).parent / "autoscaler" / "ray-schema.json").read_text())
    config = yaml.safe_load((folder / "ray-cluster.yaml").read_text())
    # then the file is valid, and Ray's own checks of node types find nothing either
    jsonschema.validate(config, schema)
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(config))
    # and a key with a slip of the pen would have been found
    with pytest.raises(jsonschema.ValidationError, match="max_wokers"):
        jsonschema.validate({**config, "max_wokers": 3}, schema)


def test_the_rayjob_keeps_to_the_documented_fields(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "rayjob.yaml").read_text())
    jsonschema.validate(manifest, RAYJOB)
    broken = {**manifest, "spec": {**manifest["spec"], "rayClusterSpecs": {}}}
    with pytest.raises(jsonschema.ValidationError, match="rayClusterSpecs"):
        jsonschema.validate(broken, RAYJOB)


def test_the_rayjob_runs_the_study_with_durable_runs_and_every_mount_has_a_volume(folder: Path) -> None:
    spec = yaml.safe_load((folder / "rayjob.yaml").read_text())["spec"]
    assert spec["entrypoint"] == "python -m hpo.run /study/study.yaml --set runs=/shared/runs"
    cluster = spec["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        mounted = {mount["name"] for each in pod["containers"] for mount in each["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]} == {"study", "shared"}


def test_all_files_name_one_image_and_the_tested_version_of_ray(folder: Path, root: Path) -> None:
    pinned = re.search(r"^ray==(\S+)$", (root / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    dockerfile = (folder / "Dockerfile").read_text()
    assert f"rayproject/ray:{pinned[1]}-" in dockerfile
    assert yaml.safe_load((folder / "rayjob.yaml").read_text())["spec"]["rayClusterSpec"]["rayVersion"] == pinned[1]
    images = {name for path in folder.iterdir() for name in re.findall(r"REGISTRY/hpo:\S+", path.read_text())}
    assert images == {"REGISTRY/hpo:0.1.0"}


def test_the_dockerfile_copies_what_the_project_is_built_from(folder: Path, root: Path) -> None:
    copied = set(re.findall(r"^COPY --chown=ray (.+) \S+$", (folder / "Dockerfile").read_text(), re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    assert names == {
        "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "hpo", "objectives", "search_spaces",
    }  # fmt: skip
    assert all((root / name).exists() for name in names)
