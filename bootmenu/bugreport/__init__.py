# SPDX-License-Identifier: MIT
"""The bundle for a bug report, with everything personal removed."""
