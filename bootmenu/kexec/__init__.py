# SPDX-License-Identifier: MIT
"""Plan, load and start the next kernel, that of the chosen entry."""
