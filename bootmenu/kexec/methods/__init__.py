# SPDX-License-Identifier: MIT
"""One file per way of loading."""
