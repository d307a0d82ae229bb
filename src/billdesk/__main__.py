"""`python -m billdesk` is `billdesk`."""

from __future__ import annotations

import sys

from billdesk.cli import main

if __name__ == "__main__":
    sys.exit(main())
