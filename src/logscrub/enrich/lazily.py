"""Put off the import of what another package takes along, until it is used."""

import importlib
import importlib.util
import sys


def import_on_use(name: str) -> None:
    """Let a submodule be loaded when one of its attributes is first asked for.

    Args:
        name: full name of the submodule; its package is imported.

    Raises:
        ModuleNotFoundError: there is no such submodule.
    """
    package, _, last = name.rpartition(".")
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    if name in sys.modules:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    # Found there, `from package import submodule` asks the module for nothing.
    setattr(sys.modules[package], last, module)
