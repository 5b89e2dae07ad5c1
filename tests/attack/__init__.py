# SPDX-License-Identifier: MIT
"""The campaign: hostile inputs, faulty loads, kills and a long soak, each part on its own or all of them.

`make attack` runs everything; `make attack ARGS="inputs --count 5000"` one part. Every attack is made from the seed,
its kind and its number, so that the command that is printed beside a fault makes the same attack again.
"""
