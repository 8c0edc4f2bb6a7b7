"""Import Beam without the connector that it takes along, and that no command uses."""

import contextlib
import gc
import sys
from collections.abc import Iterator

_UNUSED = ("pymongo", "bson")


@contextlib.contextmanager
def without_unused_packages() -> Iterator[None]:
    """Let the driver of MongoDB look absent: its import takes a fifth of Beam's.

    Beam does without it, as it does where it is not installed. Afterwards it can be imported again.
    """
    hidden = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python says absent
    collecting = gc.isenabled()
    gc.disable()  # imports leave no garbage, and make so many objects that it is looked for all the time
    try:
        yield
    finally:
        if collecting:
            gc.enable()
        for name in hidden:
            del sys.modules[name]
