"""What can be said of the Dockerfile without building it. The wheel itself is built as it says by every `make`."""

import re
from collections.abc import Iterable
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.chart import CHART, ROOT, Object, pods, render

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LOCKS = ROOT / "deploy" / "docker"
OFFICIAL = {"rust", "python"}
THERE = {
    "python_version": "3.11",
    "python_full_version": "3.11.7",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "extra": "",
}
"""What a marker is told of the image."""
Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    text = "\n".join(line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#"))
    logical = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0].upper(), " ".join(line.split()[1:])) for line in logical if line.strip()]


def stages() -> list[list[Instruction]]:
    found: list[list[Instruction]] = []
    for name, rest in instructions():
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append((name, rest))
    return found


def of(stage: list[Instruction], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def pinned(file: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package that Linux with Python 3.11 takes from a lock."""
    found = {}
    for line in (ROOT / file).read_text().replace("\\\n", " ").splitlines():
        requirement = Requirement(line.partition("--hash")[0])
        if requirement.marker is None or requirement.marker.evaluate(THERE):
            (version,) = requirement.specifier
            hashes = frozenset(part for part in line.split() if part.startswith("--hash="))
            found[canonicalize_name(requirement.name)] = (version.version, hashes)
    return found


def closure(roots: Iterable[Requirement]) -> set[str]:
    """Everything that these requirements bring there, by what is installed here."""
    found: set[tuple[str, str]] = set()
    todo = list(roots)
    while todo:
        requirement = todo.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key in found:
                continue
            found.add(key)
            needs = map(Requirement, metadata.requires(requirement.name) or [])
            todo += [one for one in needs if one.marker is None or one.marker.evaluate({**THERE, "extra": extra})]
    return {name for name, _ in found}


def test_base_images_are_official_and_pinned() -> None:
    images = [rest.partition("=")[2] for name, rest in instructions() if name == "ARG" and "_IMAGE=" in rest]
    assert len(images) == 2
    for image in images:
        name, _, tag = image.partition(":")
        assert name in OFFICIAL
        assert re.search(r"\d+\.\d+", tag) and "slim" in tag and tag.endswith("bookworm"), "one Debian, so one C library"
    assert all(re.match(r"\$\{\w+_IMAGE\}( AS \w+)?$", stage[0][1]) for stage in stages())


def test_the_last_stage_has_a_user_without_rights_and_no_tools() -> None:
    last = stages()[-1]
    (user,) = of(last, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "a number: Kubernetes must see that it is not root"
    (workload,) = {(pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) for _, pod in pods(render())}
    assert user == ":".join(str(number) for number in workload)
    after = last[last.index(("USER", user)) + 1 :]
    assert not {"RUN", "COPY", "ADD"} & {name for name, _ in after}
    text = " ".join(of(last, "RUN"))
    assert not re.search(r"apt|pip|cargo|gcc|rustup|curl", text)
    assert of(last, "COPY") == ["--from=environment /opt/cordboard /opt/cordboard"]


def test_nothing_comes_from_anywhere_but_the_repository_and_the_locks() -> None:
    assert "ADD" not in {name for name, _ in instructions()}
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert installs
    for line in installs:
        for one in line.split("&&"):
            if "pip install" in one:
                assert "--require-hashes" in one or "--no-index" in one
    (build,) = (rest for name, rest in instructions() if "maturin build" in rest)
    assert "--locked" in build and "--release" in build


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore, "nothing goes in unless it is named"
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    for rest in (rest for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == one or source.startswith(f"{one}/") for one in let_in), source


def test_it_starts_the_command_line_and_leaves_health_to_kubernetes() -> None:
    last = stages()[-1]
    assert of(last, "ENTRYPOINT") == ['["cordboard"]']
    assert of(last, "HEALTHCHECK") == ["NONE"]
    exposed = {int(port) for rest in of(last, "EXPOSE") for port in rest.split()}
    everything: Object = {"gateway": {"mail": {"enabled": True}}}
    ports = {port["containerPort"] for _, pod in pods(render(everything)) for port in pod["containers"][0].get("ports", [])}
    assert ports == exposed


def test_the_project_and_the_chart_are_of_one_version() -> None:
    (project,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "Cargo.toml").read_text())
    assert f'appVersion: "{project}"' in (CHART / "Chart.yaml").read_text()


@pytest.mark.parametrize("lock", ["runtime.txt", "build.txt"])
def test_the_image_has_the_versions_that_were_tested(lock: str) -> None:
    tested = pinned("constraints.txt")
    for name, (version, hashes) in pinned(f"deploy/docker/{lock}").items():
        assert tested[name][0] == version, f"{name}: make lock"
        assert hashes, name
        assert hashes <= tested[name][1], f"{name}: make lock"


def test_the_image_holds_what_the_package_needs_and_nothing_of_development() -> None:
    ours = map(Requirement, metadata.requires("cordboard") or [])
    needs = [one for one in ours if one.marker is None or one.marker.evaluate({**THERE, "extra": "imap"})]
    assert set(pinned("deploy/docker/runtime.txt")) == closure(needs)
    assert set(pinned("deploy/docker/build.txt")) == closure([Requirement("maturin")])
