"""``python -m hpo.commands`` is ``hpo``."""

import sys

from hpo.commands import main

sys.exit(main())
