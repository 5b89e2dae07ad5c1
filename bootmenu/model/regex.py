# SPDX-License-Identifier: MIT
"""Regular expressions that are compiled when they are first used: a scan needs few of all that there are."""

from __future__ import annotations

import re

from bootmenu.typed import Any, AnyStr, cast


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what acts like re.compile(pattern, flags), and is compiled when it is first used.

    Raise re.error then, not here. re.sub() and the like do not take it: call its own methods.
    """
    return cast("re.Pattern[AnyStr]", _Late(pattern, flags))


class _Late:
    def __init__(self, pattern: Any, flags: int) -> None:
        self._wanted = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        """Called for what is not set yet; a method that was asked for once is then found without this."""
        found = getattr(re.compile(*self._wanted), name)
        self.__dict__[name] = found
        return found
