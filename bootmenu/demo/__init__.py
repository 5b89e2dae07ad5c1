# SPDX-License-Identifier: MIT
"""The demonstration machine: sample partitions and a recorded board, in which everything works but the jump."""
