"""Kubernetes's schemas, and what no schema says: that every name leads somewhere, and that copies are equal."""

import pathlib
import re
import sys

import kubernetes_validate
import yaml

deploy, rendered = map(pathlib.Path, sys.argv[1:])
faults = []
checked = 0


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def validate(path):
    global checked
    for document in documents(path):
        checked += 1
        try:
            kubernetes_validate.validate(document, "1.33", strict=True)
        except kubernetes_validate.ValidationError as fault:
            faults.append(f"{path}: {document['kind']}: {fault.message} at {'.'.join(map(str, fault.path))}")


def containers(document):
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return pod, pod.get("containers", [])


def is_safe(path):
    """No workload has more rights than it needs, or mounts what is not there."""
    for document in documents(path):
        pod, each = containers(document)
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        claims = document.get("spec", {}).get("volumeClaimTemplates", [])
        volumes |= {claim["metadata"]["name"] for claim in claims}
        for container in each:
            where = f"{path}: {document['kind']} {container['name']}"
            context = container.get("securityContext", {})
            if context.get("allowPrivilegeEscalation") is not False or context["capabilities"] != {"drop": ["ALL"]}:
                faults.append(f"{where} has more rights than it needs")
            if pod.get("automountServiceAccountToken") is not False:
                faults.append(f"{where} has a token of the cluster")
            if "memory" not in container.get("resources", {}).get("limits", {}):
                faults.append(f"{where} has no limit of memory")
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    faults.append(f"{where} mounts {mount['name']}, which is no volume")
        if any(role in document["kind"] for role in ("Role", "ClusterRole")):
            faults.append(f"{path}: {document['kind']}: nothing here needs a right in the cluster")


for kustomization in sorted(deploy.rglob("kustomization.yaml")):
    (told,) = documents(kustomization)
    files = [name for maps in told.get("configMapGenerator", []) for name in maps.get("files", [])]
    for name in told.get("resources", []) + files:
        if not (kustomization.parent / name).exists():
            faults.append(f"{kustomization}: {name} is not there")
    for name in told.get("resources", []):
        path = kustomization.parent / name
        if path.is_file():
            validate(path)
            is_safe(path)
for path in sorted(rendered.glob("*.yaml")):
    validate(path)
    is_safe(path)

# NODE_IP must stand before whatever refers to it, and the kubelet expands only what it has seen (B-062).
for path in sorted(deploy.rglob("service.yaml")):
    for document in documents(path):
        for container in containers(document)[1]:
            if container["env"][0]["name"] != "NODE_IP":
                faults.append(f"{path}: NODE_IP is not the first variable")

# The data sources of Helm's values are those of the manifests.
sources = documents(deploy / "kubernetes/backends/grafana/datasources.yaml")[0]
values = documents(deploy / "helm/grafana.yaml")[0]
if values["datasources"]["datasources.yaml"] != sources:
    faults.append("helm/grafana.yaml has other data sources than kubernetes/backends/grafana")

# So are the operators of the agents.
agent = documents(deploy / "kubernetes/agent/agent.yaml")[0]
tier = documents(deploy / "kubernetes/variants/two-tier/agent/agent.yaml")[0]
chart = documents(deploy / "helm/opentelemetry-collector.yaml")[0]["config"]
operators = agent["receivers"]["file_log"]["operators"]
if tier["receivers"] != agent["receivers"] or chart["receivers"]["filelog"]["operators"] != operators:
    faults.append("the agents read log files in different ways")

# The page installs each file with the chart that its first line names.
installed = re.findall(r"^install \w+ (\S+) (\S+)", (deploy / "README.md").read_text(), flags=re.M)
named = {path.stem: path.read_text().split()[1] for path in (deploy / "helm").glob("*.yaml")}
if {name: chart for chart, name in installed} != named:
    faults.append(f"deploy/README.md installs {installed}, the files are for {named}")

print(f"{checked} objects against the schemas of Kubernetes")
sys.exit("\n".join(faults) if faults else 0)
