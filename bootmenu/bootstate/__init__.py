# SPDX-License-Identifier: MIT
"""What is remembered between boots, and where it is kept."""
