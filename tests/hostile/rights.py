"""Ways for another user into a test's folder."""

import os


def let_others_in(folder):
    """Open pytest's own folders, which it shuts; under xdist there is one more of them."""
    if os.getuid() != 0:
        return  # nobody else is tried then
    for each in (folder, *folder.parents[:4]):
        each.chmod(0o755)
        if each.name.startswith("pytest-of-"):
            return
