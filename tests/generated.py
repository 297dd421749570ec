"""The code generated from proto/ is committed; this proves that it is what proto/ says, or writes it anew (`--write`)."""

import filecmp
import os
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
PROTOS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "proto").rglob("*.proto"))
GENERATED = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


def generate(into: Path) -> None:
    """Run the compiler with the plugins of this virtual environment."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    outputs = [
        f"--{kind}_out={option}{into}"
        for kind, option in (("python", ""), ("grpc_python", ""), ("mypy", "quiet:"), ("mypy_grpc", "quiet:"))
    ]
    os.chdir(ROOT)
    if protoc.main(["protoc", "-Iproto", *outputs, *PROTOS]) != 0:
        sys.exit("protoc failed")


def main() -> None:
    """Exit 1 and name the files that differ."""
    committed = ROOT / "python" / "cordboard" / "v1"
    if "--write" in sys.argv:
        generate(ROOT / "python")
        return
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh = Path(scratch) / "cordboard" / "v1"
        names = {path.name for folder in (fresh, committed) for path in folder.iterdir() if path.name.endswith(GENERATED)}
        _, different, missing = filecmp.cmpfiles(fresh, committed, sorted(names), shallow=False)
        if different or missing:
            sys.exit(f"python/cordboard/v1 is not what proto/ says: {', '.join(different + missing)}; run `make proto`")


if __name__ == "__main__":
    main()
