"""Builds the compiled part of the wheel, with the Zig compiler that pip installs (`ziglang`).

It links with nothing, so that one wheel serves every system of its platform. `LOGSCRUB_TARGET` (such as
`aarch64-linux-none`) and `LOGSCRUB_PLATFORM` (such as `manylinux2014_aarch64`) build for another machine.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FOLDER = Path("src/logscrub/native")
_NAMES = {"armv7l": "arm", "ppc64le": "powerpc64le"}
"""Machines that Zig calls otherwise."""


class NativeLibrary(BuildHookInterface):
    """Compiles `native.zig` into the package."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the platform of the wheel."""
        if self.target_name != "wheel":
            return
        target = os.environ.get("LOGSCRUB_TARGET", _target())
        folder = Path(self.root) / _FOLDER
        library = folder / ("native.dll" if "windows" in target else "native.so")
        _compile(folder / "native.zig", library, target)
        platform = os.environ.get("LOGSCRUB_PLATFORM") or sysconfig.get_platform()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform.replace('-', '_').replace('.', '_')}"
        build_data["artifacts"].append(f"/{_FOLDER.as_posix()}/{library.name}")


def _target() -> str:
    """The machine that builds: on Linux without a C library, which is not needed."""
    if not sys.platform.startswith("linux"):
        return "native"
    machine = os.uname().machine
    return f"{_NAMES.get(machine, machine)}-linux-none"


def _compile(source: Path, library: Path, target: str) -> None:
    # Written anew and then put in place: another process may have the old one in use.
    with tempfile.TemporaryDirectory(dir=library.parent) as name:
        made = Path(name) / library.name
        zig = [sys.executable, "-m", "ziglang", "build-lib", "-dynamic", "-O", "ReleaseSafe", "-fstrip"]
        where = ["-target", target, "-mcpu=baseline", f"-femit-bin={made}", "--cache-dir", f"{name}/cache"]
        where += ["--global-cache-dir", f"{name}/cache"]
        subprocess.run([*zig, *where, str(source)], check=True)  # noqa: S603 - the compiler that pip installed
        made.replace(library)
