"""What the chart takes and what it refuses: a typo in a value must not wait until the night shift to be found."""

from collections.abc import Iterator
from typing import Any

import pytest
from helm_python import HelmError
from ruamel.yaml import YAML

from cordboard.cli.process import INSIST_S, MAILS_S, ORDERLY_S
from tests.deploy.chart import CHART, EVERYTHING, ROLES, Object, chart, documents, render

SCHEMA: Object = chart().schema or {}
PRE_STOP_S = 5


def fields(schema: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    for name, field in schema.get("properties", {}).items():
        target = {**SCHEMA["$defs"][field["$ref"].rsplit("/", 1)[1]], **field} if "$ref" in field else field
        yield f"{path}{name}", target
        yield from fields(target, f"{path}{name}.")


def leaves(values: Object, path: str = "") -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value and f"{path}{name}.resources" not in path:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_every_value_is_described_and_no_object_takes_unknown_names() -> None:
    for path, field in fields(SCHEMA):
        assert field.get("description"), path
        if field.get("properties"):
            assert field["additionalProperties"] is False, path
    assert SCHEMA["additionalProperties"] is False


def test_every_default_is_a_value_of_the_schema_and_the_other_way_round() -> None:
    defaults = YAML(typ="safe").load(CHART / "values.yaml")
    known = {path for path, _ in fields(SCHEMA)}
    given = set(leaves(defaults))
    assert given <= known
    unset = {path for path in known if not any(one == path or one.startswith(f"{path}.") for one in given)}
    assert {path for path in unset if path != "global" and ".resources." not in path} == set()


def test_every_feature_of_the_readme_is_a_value() -> None:
    readme = (CHART / "README.md").read_text()
    lines = [line.split("`")[1] for line in readme.split("## Values")[1].splitlines() if line.startswith("| `")]
    told = {line.replace("ROLE", role) for line in lines for role in ROLES}
    known = {path for path, _ in fields(SCHEMA)}
    assert told <= known
    documented = {path for path, field in fields(SCHEMA) if not field.get("properties")} - {"global"}
    missing = {path for path in documented if path not in told and not any(path.startswith(f"{one}.") for one in told)}
    assert missing == set()


BAD: dict[str, Any] = {
    "an unknown value": {"rooter": {}},
    "an unknown value of a role": {"router": {"replica": 1}},
    "a number of gateways": {"gateway": {"replicas": 2}},
    "a crowd of routers": {"router": {"replicas": 6}},
    "no API": {"api": {"replicas": 0}},
    "a site in upper case": {"site": "Webshop"},
    "no site": {"site": ""},
    "the tag latest": {"image": {"tag": "latest"}},
    "half a digest": {"image": {"digest": "sha256:abc"}},
    "a secret given as a value": {"vault": {"kek": "c2VjcmV0"}},
    "a URL where a Secret's name belongs": {"vault": {"existingSecret": "postgresql+asyncpg://u:p@h/vault"}},
    "a password in the monitoring URL": {"nats": {"monitorUrl": "http://user:password@nats:8222"}},
    "two copies, which one loss leaves without a majority": {"nats": {"replicas": 2}},
    "no proof of fsync": {"nats": {"monitorUrl": ""}},
    "an ingress without a host": {"gateway": {"ingress": {"enabled": True}}},
    "a port that is none": {"gateway": {"mail": {"enabled": True, "service": {"port": 70_000}}}},
    "an amount that is none": {"api": {"resources": {"limits": {"memory": "lots"}}}},
    "nobody to serve": {"networkPolicy": {"apiFrom": []}},
    "too little time to end": {"gateway": {"terminationGracePeriodSeconds": 1}},
    "text where a number belongs": {"gateway": {"graceSeconds": "30s"}},
    "a password in the archive's place": {"archive": {"place": "s3://key:secret@bucket/prefix"}},
    "an archive on the pod's own disk": {"archive": {"place": "/var/lib/archive"}},
    "a schedule that is none": {"archive": {"place": "s3://bucket", "trim": {"schedule": "every night"}}},
    "trimming without an archive": {"archive": {"trim": {"schedule": "17 3 * * *"}}},
    "trimming what is of today": {"archive": {"place": "s3://bucket", "trim": {"schedule": "@daily", "keepDays": 0}}},
    "a size without a unit": {"nats": {"journalMax": "64"}},
    "a dialler that rings nobody": {"dialler": {"dialsMax": 0}},
    "a path where customers reach the gateway": {"gateway": {"publicUrl": "https://shop.example/contact"}},
    "two ports where customers reach the gateway": {"gateway": {"publicUrl": "https://shop.example:80:81"}},
    "two archivers": {"archiver": {"replicas": 2}},
    "no time for a desk to come back": {"api": {"sessionGraceSeconds": 0}},
}


@pytest.mark.parametrize("values", BAD.values(), ids=BAD)
def test_refused(values: Object) -> None:
    with pytest.raises(HelmError):
        documents(values)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_killed_before_it_ends_by_itself(role: str) -> None:
    orderly_s = MAILS_S if role == "gateway" else ORDERLY_S
    grace_s = SCHEMA["properties"][role]["properties"]["terminationGracePeriodSeconds"]["minimum"]
    # Kubernetes counts from the beginning of `preStop`.
    assert grace_s > orderly_s + INSIST_S + (PRE_STOP_S if role in ("api", "gateway") else 0)


def test_an_open_api_must_be_accepted_by_name() -> None:
    with pytest.raises(HelmError, match="acceptUnauthenticated"):
        documents({"networkPolicy": {"enabled": False}})
    kinds = {item["kind"] for item in render({"networkPolicy": {"enabled": False, "acceptUnauthenticated": True}})}
    assert "NetworkPolicy" not in kinds


def test_the_notes_say_what_must_be_known() -> None:
    (notes,) = (text for name, text in documents().items() if name.endswith("NOTES.txt"))
    for words in ("NO AUTHENTICATION YET", "policy apply", "sync_interval: always"):
        assert words in notes
    (notes,) = (text for name, text in documents(EVERYTHING).items() if name.endswith("NOTES.txt"))
    assert "MAY LOSE WHAT IT ACKNOWLEDGED" in notes
    assert "https://chat.example.com/chat" in notes
