"""The chart, rendered by Helm's own library, offline."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "deploy" / "helm" / "cordboard"
ROLES = ("router", "projector", "gateway", "api", "archiver", "dialler")
"""The archiver only where there is an archive, the dialler where there is a telephone gateway."""
Object = dict[str, Any]

EVERYTHING: Object = {
    "site": "webshop",
    "image": {
        "repository": "registry.example/cordboard",
        "digest": "sha256:" + "0" * 64,
        "pullPolicy": "Always",
        "pullSecrets": ["registry"],
    },
    "nats": {
        "monitorUrl": "http://nats-0.nats:8222,http://nats-1.nats:8222",
        "allowLazyFsync": True,
        "inboxMax": "8GiB",
        "journalMax": "200GiB",
    },
    "archive": {
        "place": "s3://journals/webshop?endpoint=https://storage.example:9000",
        "existingSecret": "archive",
        "accessKeyKey": "id",
        "secretKeyKey": "key",
        "trim": {"schedule": "17 3 * * *", "keepDays": 14},
    },
    "listen": "::",
    "verbose": True,
    "router": {
        "replicas": 2,
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "cordboard", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podLabels": {"team": "service"},
        "podAnnotations": {"example.com/note": "x"},
    },
    "gateway": {
        "behindProxy": True,
        "publicUrl": "https://chat.example.com",
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "host": "chat.example.com",
            "tlsSecret": "chat-tls",
            "annotations": {"a/b": "c"},
        },
        "mail": {
            "enabled": True,
            "hostname": "mail.example.com",
            "tlsSecret": "smtp-tls",
            "service": {"type": "LoadBalancer", "annotations": {"a/b": "c"}},
            "relay": {"existingSecret": "relay"},
            "mailboxes": {"existingSecret": "mailboxes"},
        },
        "webhooks": {"existingSecret": "webhooks"},
        "service": {"type": "NodePort", "annotations": {"a/b": "c"}},
        "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "2", "ephemeral-storage": "1Gi"}},
    },
    "dialler": {"replicas": 2, "dialsMax": 8, "voice": {"existingSecret": "voice", "urlKey": "address"}},
    "api": {"replicas": 3, "disruptionBudget": {"maxUnavailable": 2}, "service": {"annotations": {"a/b": "c"}}},
    "metrics": {
        "enabled": True,
        "podMonitor": {"enabled": True, "intervalSeconds": 15, "labels": {"release": "prometheus"}},
        "rules": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "networkPolicy": {
        "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "gatewayFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "smtpFrom": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}}],
        "apiFrom": [{"podSelector": {"matchLabels": {"app": "desktop"}}}],
        "dnsTo": [{"namespaceSelector": {"matchLabels": {"name": "kube-system"}}}],
        "natsTo": [{"podSelector": {"matchLabels": {"app": "nats"}}}],
        "postgresTo": [{"ipBlock": {"cidr": "198.51.100.7/32"}}],
        "archiveTo": [{"ipBlock": {"cidr": "198.51.100.10/32"}}],
        "archivePorts": [9000],
        "smtpRelayTo": [{"ipBlock": {"cidr": "198.51.100.8/32"}}],
        "imapTo": [{"ipBlock": {"cidr": "198.51.100.9/32"}}],
        "webhookTo": [{"ipBlock": {"cidr": "203.0.113.0/24"}}],
    },
}
"""A value for every feature there is."""


@cache
def chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def documents(values: Object | None = None, name: str = "cordboard") -> dict[str, str]:
    """What Helm would install, by template. Raises HelmError for values that the chart refuses."""
    chart().validate_schema(values or {})
    return dict(chart().render(values or {}, name=name, namespace="service"))


def render(values: Object | None = None, name: str = "cordboard") -> list[Object]:
    """The objects that Helm would install."""
    yaml = YAML(typ="safe")
    texts = [text for template, text in sorted(documents(values, name).items()) if not template.endswith("NOTES.txt")]
    return [item for text in texts for item in yaml.load_all(text) if item]


def named(objects: list[Object], kind: str, ending: str) -> Object:
    """The one object of `kind` whose name ends so."""
    (found,) = (item for item in objects if item["kind"] == kind and item["metadata"]["name"].endswith(ending))
    return found


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Each pod's component and its spec, wherever it stands."""
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield item["metadata"]["labels"]["app.kubernetes.io/component"], item["spec"]["template"]["spec"]
        elif item["kind"] == "CronJob":
            yield item["metadata"]["labels"]["app.kubernetes.io/component"], item["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        elif item["kind"] == "Pod":
            yield item["metadata"]["labels"]["app.kubernetes.io/component"], item["spec"]
