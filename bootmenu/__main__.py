# SPDX-License-Identifier: MIT
"""``python -m bootmenu``."""

import sys

from bootmenu.cli import main

if __name__ == "__main__":
    sys.exit(main())
