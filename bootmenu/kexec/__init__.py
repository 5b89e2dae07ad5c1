# SPDX-License-Identifier: MIT
"""From the chosen entry to the other kernel."""
