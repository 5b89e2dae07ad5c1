# SPDX-License-Identifier: MIT
"""One file per configuration format."""
