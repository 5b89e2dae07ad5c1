# SPDX-License-Identifier: MIT
"""Boot configurations on one partition, read into entries and problems; pure over a Tree."""
