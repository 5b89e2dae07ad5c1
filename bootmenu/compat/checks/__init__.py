# SPDX-License-Identifier: MIT
"""One file per topic; each check is a function with a stable code."""
