"""``python -m zeitlich_store``: the command line."""

import sys

from .cli import main

sys.exit(main())
