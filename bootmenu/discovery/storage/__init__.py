# SPDX-License-Identifier: MIT
"""What is no plain partition: one file for every kind, and nothing is ever written to what it stands on."""
