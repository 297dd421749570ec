"""What the chart makes: valid for Kubernetes, restricted, and in accord with itself and with the command line."""

import re
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import typer
from ruamel.yaml import YAML

from cordboard import metrics
from cordboard.cli.up import Role
from cordboard.main import app
from cordboard.vault.kek import VARIABLE
from tests.deploy.chart import CHART, EVERYTHING, ROLES, Object, chart, named, pods, render

OLDEST, NEWEST = "1.30", "1.37"
SETS: dict[str, Any] = {"defaults": {}, "everything": EVERYTHING}
COMMANDS: Any = typer.main.get_command(app)
NO_ROLES = {"site", "test", "trim"}
OPTIONAL = {"archiver", "dialler", "trim"}
STORAGE_KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
ELSEWHERE = {VARIABLE, "CORDBOARD_TARGET", *STORAGE_KEYS}


@pytest.fixture(params=SETS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    return render(SETS[request.param])


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_valid_for_kubernetes(objects: list[Object], version: str) -> None:
    for item in objects:
        if not item["apiVersion"].startswith("monitoring.coreos.com/"):  # the operator's, not Kubernetes' own
            kubernetes_validate.validate(item, version, strict=True)
    assert OLDEST in chart().metadata["kubeVersion"]


def test_helm_has_nothing_to_say_against_it() -> None:
    said = helm_python.lint(CHART, SETS["everything"], strict=True, kube_version=f"v{OLDEST}.0")
    assert [one["error"] for one in said["messages"] if one["severity"] > 1] == said["errors"] == []


def test_names_are_unique_and_short(objects: list[Object]) -> None:
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert len(names) == len(set(names))
    longest = render(EVERYTHING, name="a-release-whose-name-is-as-long-as-helm-lets-it-be-53")
    assert all(len(item["metadata"]["name"]) <= 63 for item in longest)


def test_every_pod_is_restricted(objects: list[Object]) -> None:
    seen = set()
    for component, pod in pods(objects):
        seen.add(component)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 10_000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & pod.keys()
        assert all("hostPath" not in volume for volume in pod.get("volumes", []))
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["privileged"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]
            assert all("hostPort" not in port and port["containerPort"] > 1024 for port in container.get("ports", []))
    assert seen - OPTIONAL == {*ROLES, *NO_ROLES} - OPTIONAL


def test_services_are_not_announced_as_variables_that_read_like_options(objects: list[Object]) -> None:
    """`…-smtp` would be announced as CORDBOARD_SMTP_PORT=tcp://… to a release called cordboard."""
    assert all(pod["enableServiceLinks"] is False for _, pod in pods(objects))


def test_one_image_plays_every_role(objects: list[Object]) -> None:
    images = {container["image"] for _, pod in pods(objects) for container in pod["containers"]}
    assert len(images) == 1
    assert images <= {f"cordboard:{chart().metadata['appVersion']}", "registry.example/cordboard@sha256:" + "0" * 64}


def test_every_role_of_the_command_line_has_its_pod() -> None:
    def components(values: Object) -> set[str]:
        return {component for component, _ in pods(render(values))} - NO_ROLES

    assert set(Role) == set(ROLES) == components(EVERYTHING)
    assert components({}) == set(ROLES) - OPTIONAL, "there is nothing to write to, and nothing that rings"


def test_every_role_may_read_the_archive() -> None:
    for component, pod in pods(render(EVERYTHING)):
        told = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
        if component != "test":
            assert told["CORDBOARD_ARCHIVE"]["value"] == EVERYTHING["archive"]["place"]
            assert told["AWS_ACCESS_KEY_ID"]["valueFrom"] == {"secretKeyRef": {"name": "archive", "key": "id"}}
            assert told["AWS_SECRET_ACCESS_KEY"]["valueFrom"] == {"secretKeyRef": {"name": "archive", "key": "key"}}


def test_every_argument_and_variable_exists_in_the_command_line(objects: list[Object]) -> None:
    known = {option.envvar for option in COMMANDS.get_command(None, "run").params} | ELSEWHERE
    for component, pod in pods(objects):
        (container,) = pod["containers"]
        assert "command" not in container, "the image's entry point"
        assert {variable["name"] for variable in container["env"]} <= known
        if component != "test":
            group = {"site": ["site", "create"], "trim": ["archive", "trim"]}.get(component)
            command, word, *words = container["args"]
            assert [command, word] == (group or ["run", component])
            known_to = COMMANDS.get_command(None, command)
            options = known_to.commands[word].params if group else known_to.params
            assert {one for one in words if one.startswith("-")} <= {flag for option in options for flag in option.opts}


def test_nothing_is_trimmed_unless_somebody_says_when() -> None:
    place: Object = {"place": "s3://journals"}
    assert "CronJob" not in {item["kind"] for item in render({"archive": place})}
    trim = named(render({"archive": place | {"trim": {"schedule": "@weekly", "keepDays": 90}}}), "CronJob", "-trim")
    assert (trim["spec"]["schedule"], trim["spec"]["concurrencyPolicy"]) == ("@weekly", "Forbid")
    (container,) = trim["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["archive", "trim", "--json", "--keep-days", "90"]


def test_secrets_are_only_ever_named(objects: list[Object]) -> None:
    """A URL with a password, a key: from a Secret that exists, never from a value; the chart makes no Secret of its own."""
    secret = {
        "CORDBOARD_NATS_URL",
        "CORDBOARD_VAULT_URL",
        "CORDBOARD_VIEWS_URL",
        "CORDBOARD_SMTP_RELAY",
        "CORDBOARD_VOICE",
        VARIABLE,
        *STORAGE_KEYS,
    }
    for _, pod in pods(objects):
        for variable in pod["containers"][0]["env"]:
            assert ("valueFrom" in variable) == (variable["name"] in secret), variable["name"]
    assert not [item for item in objects if item["kind"] in ("Secret", "ConfigMap")]


def test_only_those_who_need_the_vault_get_its_key(objects: list[Object]) -> None:
    holders = {name for name, pod in pods(objects) if VARIABLE in {one["name"] for one in pod["containers"][0]["env"]}}
    assert holders - OPTIONAL == {"gateway", "api"} and holders <= {"gateway", "api", "dialler", "trim"}


def test_every_role_is_probed_on_a_port_that_it_opens(objects: list[Object]) -> None:
    for component, pod in pods(objects):
        if component in NO_ROLES:
            continue
        (container,) = pod["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if component == "api":
                assert container[probe]["grpc"]["port"] == ports["grpc"]
            else:
                ending = "/readyz" if probe == "readinessProbe" else "/healthz"
                assert container[probe]["httpGet"] == {"path": ending, "port": "health"}
        told = {one["name"]: one.get("value") for one in container["env"]}
        opened = {told[f"CORDBOARD_{name.upper()}_PORT"] for name in ports}
        assert opened == {str(number) for number in ports.values()}


def test_selectors_choose_the_pods_of_one_role(objects: list[Object]) -> None:
    by_role = {
        item["metadata"]["labels"]["app.kubernetes.io/component"]: item["spec"]["template"]["metadata"]["labels"]
        for item in objects
        if item["kind"] in ("Deployment", "StatefulSet")
    }

    def chosen(selector: Object) -> set[str]:
        return {role for role, labels in by_role.items() if selector.items() <= labels.items()}

    for item in objects:
        role = item["metadata"]["labels"].get("app.kubernetes.io/component")
        if item["kind"] in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            assert chosen(item["spec"]["selector"]["matchLabels"]) == {role}
        elif item["kind"] == "Service":
            assert chosen(item["spec"]["selector"]) == {role}
            names = {port["name"] for pod in (dict(pods(objects))[role],) for port in pod["containers"][0]["ports"]}
            assert {port["targetPort"] for port in item["spec"]["ports"]} <= names


def test_whoever_must_be_one_is_one(objects: list[Object]) -> None:
    gateway = named(objects, "StatefulSet", "-gateway")
    assert gateway["spec"]["replicas"] == 1
    projector = named(objects, "Deployment", "-projector")
    assert (projector["spec"]["replicas"], projector["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_how_long_one_waits_for_a_chat_and_for_a_desk_is_a_value() -> None:
    given: Object = {"gateway": {"graceSeconds": 90}, "api": {"sessionGraceSeconds": 45}}
    told = {(role, one["name"]): one.get("value") for role, pod in pods(render(given)) for one in pod["containers"][0]["env"]}
    assert (told["gateway", "CORDBOARD_GRACE_S"], told["api", "CORDBOARD_SESSION_GRACE_S"]) == ("90", "45")


def test_the_site_is_made_when_the_chart_is_installed_and_at_no_upgrade(objects: list[Object]) -> None:
    """An upgrade would make it anew on a server that has lost its disks."""
    job = named(objects, "Job", "-site")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-install"
    told = {one["name"] for one in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert {"CORDBOARD_VAULT_URL", "CORDBOARD_VIEWS_URL", "CORDBOARD_NATS_REPLICAS"} <= told, "who may know that it is not new"


def test_grpc_clients_see_every_api() -> None:
    assert named(render(), "Service", "-api")["spec"]["clusterIP"] == "None"


def test_budgets_only_where_there_is_more_than_one() -> None:
    def budgets(values: Object) -> set[str]:
        return {item["metadata"]["name"] for item in render(values) if item["kind"] == "PodDisruptionBudget"}

    assert budgets({}) == {"cordboard-api", "cordboard-router"}
    assert budgets({"api": {"replicas": 1}}) == {"cordboard-router"}
    assert budgets({"api": {"replicas": 1}, "router": {"replicas": 1}}) == set()


def test_one_router_leads_while_others_stand_by_also_during_an_update(objects: list[Object]) -> None:
    router = named(objects, "Deployment", "-router")
    assert router["spec"]["replicas"] == 2
    assert router["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_nothing_moves_but_what_is_named(objects: list[Object]) -> None:
    policies = {
        item["metadata"]["name"].removeprefix("cordboard-"): item["spec"] for item in objects if item["kind"] == "NetworkPolicy"
    }
    deny = policies.pop("default-deny")
    assert sorted(deny["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & deny.keys()
    assert set(deny["podSelector"]["matchLabels"]) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    for name, spec in policies.items():
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule["ports"], f"{name} opens every port"
    assert all(rule["from"] for rule in policies["api"]["ingress"]), "the API has no authentication: never open to anyone"
    rules = [*policies["gateway"]["ingress"], *policies.get("metrics", {"ingress": []})["ingress"]]
    opened = {port["port"] for rule in rules for port in rule["ports"]}
    ports = {port["name"]: port["containerPort"] for port in dict(pods(objects))["gateway"]["containers"][0]["ports"]}
    if "metrics" not in policies:
        del ports["health"]  # only the node asks there, and no policy keeps it out
    assert opened == set(ports.values())


def test_every_pod_is_scraped_where_it_answers_and_by_nobody_unless_asked_for() -> None:
    assert not [item for item in render() if item["apiVersion"].startswith("monitoring.coreos.com/")]
    objects = render(EVERYTHING)
    monitor = named(objects, "PodMonitor", "cordboard")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "15s")
    assert endpoint["relabelings"] == [{"targetLabel": "site", "replacement": EVERYTHING["site"]}]
    for component, pod in pods(objects):
        if component not in NO_ROLES:
            ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
            told = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
            assert told["CORDBOARD_HEALTH_PORT"] == str(ports[endpoint["port"]])
    (rule,) = named(objects, "NetworkPolicy", "-metrics")["spec"]["ingress"]
    assert rule["from"] == EVERYTHING["networkPolicy"]["metricsFrom"]


def test_the_alerts_ask_for_metrics_that_there_are() -> None:
    known = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    known |= {f"{family.name}{ending}" for family in metrics.REGISTRY.collect() for ending in ENDINGS[family.type]}
    groups = named(render(EVERYTHING), "PrometheusRule", "cordboard")["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == len({rule["alert"] for rule in rules}) >= 10
    for rule in rules:
        asked = set(re.findall(r"\bcordboard_\w+", rule["expr"]))
        assert asked and asked <= known, rule["alert"]
        together = re.findall(r"\b(?:max|min|sum|avg|count)\b(?: by \(([^)]*)\))?", rule["expr"])
        assert all("site" in labels.split(", ") for labels in together), f"{rule['alert']} takes several sites for one"
        assert rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"]


def test_every_alert_is_tried_quiet_and_loud() -> None:
    groups = named(render(EVERYTHING), "PrometheusRule", "cordboard")["spec"]["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    tried = YAML(typ="safe").load(Path(__file__).with_name("alerts.promtool.yaml").read_text())["tests"]
    for name, fires in (("quiet", False), ("loud", True)):
        (rules,) = (one["alert_rule_test"] for one in tried if one["name"] == name)
        assert {rule["alertname"] for rule in rules if bool(rule.get("exp_alerts")) == fires} == alerts


def test_peers_are_those_of_the_values() -> None:
    wanted = EVERYTHING["networkPolicy"]
    policies = {
        item["metadata"]["name"].removeprefix("cordboard-"): item["spec"]
        for item in render(EVERYTHING)
        if item["kind"] == "NetworkPolicy"
    }
    assert [rule["from"] for rule in policies["gateway"]["ingress"]] == [wanted["gatewayFrom"], wanted["smtpFrom"]]
    assert policies["api"]["ingress"][0]["from"] == wanted["apiFrom"]
    assert [rule["to"] for rule in policies["dns-and-nats"]["egress"]] == [wanted["dnsTo"], wanted["natsTo"]]
    assert [rule["to"] for rule in policies["postgres"]["egress"]] == [wanted["postgresTo"]]
    assert [(rule["to"], rule["ports"]) for rule in policies["archive"]["egress"]] == [
        (wanted["archiveTo"], [{"protocol": "TCP", "port": 9000}])
    ]
    assert [rule["to"] for rule in policies["gateway-out"]["egress"]] == [
        wanted["smtpRelayTo"],
        wanted["imapTo"],
        wanted["webhookTo"],
    ]
