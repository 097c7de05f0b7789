"""``python -m zeitlich_store.cli``."""

import sys

from . import main

sys.exit(main())
