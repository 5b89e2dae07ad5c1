# SPDX-License-Identifier: MIT
"""`bootmenu completion`: print the completion script of a shell."""

from __future__ import annotations

import argparse

HELP = "print the completion script of a shell"
FOLLOWS = "mark-good"
EXAMPLES = (
    (
        "bootmenu completion bash > completions/bootmenu",
        "write the completion of bash, for example to ~/.local/share/bash-completion/completions/bootmenu",
    ),
    ("bootmenu completion zsh > _bootmenu", "write that of zsh, for a folder of $fpath"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="the shell: bash, zsh or fish"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the script, made from the parser as it is now."""
    from bootmenu.commands import completion_scripts, parser_description

    print(completion_scripts.completion(arguments.shell, parser_description.described()), end="")
    return 0
