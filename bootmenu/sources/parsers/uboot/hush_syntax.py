# SPDX-License-Identifier: MIT
"""Parse the language of U-Boot's shell, hush, into statements (common/cli_hush.c).

A script is parsed statement by statement, so that what is before a mistake is run, as U-Boot does. Quirks that decide
what a script means are kept: a newline ends a statement even after `&&`, and single quotes count within double ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

MAX_DEPTH = 32
"""Depth of nested conditions and loops."""
VARIABLE = "\3"
"""Is around the name of a variable in a HushWord, as in U-Boot (SPECIAL_VAR_SYMBOL)."""

_NAME = regex(r"[A-Za-z][A-Za-z0-9_]*")
_SPACE = " \t\n"
# characters without a meaning: in a script, in the second pass, and within double quotes
_PLAIN = regex(r"""[^ \t\n;&|"'\\$]+""")
_PLAIN_AGAIN = regex(r"""[^ \t\n"'\\]+""")
_PLAIN_INSIDE = regex(r"""[^"'\\$*?\[]+""")


class HushSyntaxError(BootmenuError):
    """Raised for a script that U-Boot's shell rejects. line: counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class HushWord(Value):
    """A word of a command before its variables are replaced."""

    text: str
    """Backslashes still escape the next character."""
    quoted: bool
    """Whether any part was in quotes: the word remains when it is empty, and its variables are not split."""


class CommandLink(StrEnum):
    """What follows a command."""

    END = ";"
    AND = "&&"
    OR = "||"


class HushCommand(Value):
    """A command with its arguments."""

    words: tuple[HushWord, ...]
    line: int


class HushIf(Value):
    """A condition: pairs of condition and body, and what `else` has."""

    clauses: tuple[tuple[Commands, Commands], ...]
    otherwise: Commands
    line: int


class HushFor(Value):
    """A loop over words."""

    name: HushWord
    words: tuple[HushWord, ...]
    body: Commands
    line: int


class HushLoop(Value):
    """A loop while a condition is true, or until it is."""

    condition: Commands
    body: Commands
    until: bool
    line: int


Statement = HushCommand | HushIf | HushFor | HushLoop
Commands = tuple[tuple[Statement, CommandLink], ...]
"""Statements, each with what joins it to the next one."""


class _HushToken(Value):
    word: HushWord | None
    """None for a separator."""
    sign: str
    """`;`, `&&`, `||`, a newline, or empty for a word and for the end."""
    line: int

    @property
    def plain(self) -> str:
        """Return the word, which may be a reserved one."""
        return self.word.text if self.word is not None else ""


def is_name(text: str) -> bool:
    """Return whether a text before `=` makes a word an assignment (is_assignment)."""
    return bool(_NAME.fullmatch(text))


def words_of(text: str) -> list[HushWord]:
    """Split a command in which variables were replaced, the second time that U-Boot parses it.

    Then `;`, `$`, `&` and `|` are plain characters (parse_stream_outer). Raise HushSyntaxError.
    """
    tokens = _tokens(text, 1, again=True)
    return [HushWord(unescaped(token.word.text), token.word.quoted) for token in tokens if token.word is not None]


def unescaped(text: str) -> str:
    """Remove the backslashes that escape the next character (done_word)."""
    return re.sub(r"\\(.?)", r"\1", text, flags=re.DOTALL)


def statements(text: str) -> Iterator[tuple[Commands, int]]:
    """Yield (commands, line) for each line of a script, or for the lines of one condition or loop.

    Raise HushSyntaxError where U-Boot would find a mistake; what was yielded before it is valid.
    """
    parser = _HushParser(_tokens(text, 1))
    while parser.token.sign or parser.token.word is not None:
        line = parser.token.line
        if commands := parser.line_of_commands():
            yield commands, line


def _tokens(text: str, line: int, *, again: bool = False) -> Iterator[_HushToken]:
    """Yield the tokens. again: variables were replaced already."""
    at, size = 0, len(text)
    while at < size:
        char = text[at]
        if char == "\n":
            yield _HushToken(None, "\n", line)
            line += 1
            at += 1
        elif char in _SPACE:
            at += 1
        elif text.startswith("\\\n", at):
            # the old parser makes a word of it, which commands ignore; the new one joins the lines
            line += 1
            at += 2
        elif char == "#":
            end = text.find("\n", at)
            at = size if end < 0 else end
        elif char == ";" and not again:
            yield _HushToken(None, ";", line)
            at += 1
        elif char in "&|" and not again:
            if not text.startswith(char * 2, at):
                raise HushSyntaxError(f"a single “{char}” is not allowed", line)
            yield _HushToken(None, char * 2, line)
            at += 2
        else:
            word, at, lines = _word(text, at, line, again=again)
            yield _HushToken(word, "", line)
            line += lines
    yield _HushToken(None, "", line)


def _word(text: str, at: int, line: int, *, again: bool) -> tuple[HushWord, int, int]:
    """Return (word, offset after it, newlines in it)."""
    begin, size = at, len(text)
    parts: list[str] = []
    quoted = inside = False
    stop = _SPACE if again else f"{_SPACE};&|"
    plain = (_PLAIN_AGAIN if again else _PLAIN).match
    while at < size and (inside or text[at] not in stop):
        if many := (_PLAIN_INSIDE.match if inside else plain)(text, at):
            parts.append(many[0])
            at = many.end()
            continue
        char = text[at]
        if char == '"':
            quoted, inside = True, not inside
            at += 1
        elif char == "'":
            end = text.find("'", at + 1)
            if end < 0:
                raise HushSyntaxError("a single quote is not closed", line)
            quoted = True
            parts.append(text[at + 1 : end])
            at = end + 1
        elif char == "\\":
            if at + 1 >= size:
                raise HushSyntaxError("a backslash is the last character", line)
            following = text[at + 1]
            if following == "\n":
                parts.append(" " if inside else "")
            else:
                # b_addqchr: within double quotes a backslash stays
                parts.append(("\\\\" if inside else "\\") + _within(following, inside=inside))
            at += 2
        elif char == "$" and not again:
            name, at = _variable(text, at, line)
            parts.append(name)
        else:
            parts.append(_within(char, inside=inside))
            at += 1
    # U-Boot does not mind a double quote that is not closed at the end of a script
    return HushWord("".join(parts), quoted), at, text.count("\n", begin, at)


def _within(char: str, *, inside: bool) -> str:
    return f"\\{char}" if inside and char in "*?[\\" else char


def _variable(text: str, at: int, line: int) -> tuple[str, int]:
    """Return what a `$` stands for in a HushWord, and the offset after it (handle_dollar)."""
    if name := _NAME.match(text, at + 1):
        return f"{VARIABLE}{name[0]}{VARIABLE}", name.end()
    if text.startswith("$?", at):
        return f"{VARIABLE}?{VARIABLE}", at + 2
    if text.startswith("${", at):
        end = text.find("}", at)
        if end < 0:
            raise HushSyntaxError("a “${” is not closed", line)
        return f"{VARIABLE}{text[at + 2 : end]}{VARIABLE}", end + 1
    return "$", at + 1


class _HushParser:
    def __init__(self, tokens: Iterator[_HushToken]) -> None:
        self._tokens = tokens
        self.token = next(tokens)
        self._depth = 0

    def line_of_commands(self) -> Commands:
        """Return the commands up to the end of the line; a condition or a loop may span many."""
        commands = self._commands((), to_newline=True)
        if self.token.word is not None:
            raise HushSyntaxError(f"“{self.token.plain[:40]}” is not expected here", self.token.line)
        if self.token.sign == "\n":
            self._advance()
        return commands

    def _advance(self) -> None:
        self.token = next(self._tokens, _HushToken(None, "", self.token.line))

    def _commands(self, ends: tuple[str, ...], *, to_newline: bool = False) -> Commands:
        """Return the commands up to one of these reserved words, which is not consumed."""
        found: list[tuple[Statement, CommandLink]] = []
        while True:
            token = self.token
            if token.word is None:
                if not token.sign or (to_newline and token.sign == "\n"):
                    break
                self._advance()
                continue
            if token.plain in ends:
                break
            statement = self._statement()
            link = CommandLink.END
            if self.token.sign in (CommandLink.AND, CommandLink.OR):
                link = CommandLink(self.token.sign)
                self._advance()
                # a newline ends the statement nevertheless: nothing is left to join
                if self._at_end():
                    link = CommandLink.END
            elif self.token.plain:
                raise HushSyntaxError(f"“{self.token.plain[:40]}” is not expected here", self.token.line)
            found.append((statement, link))
        return tuple(found)

    def _at_end(self) -> bool:
        return self.token.word is None and self.token.sign in ("", "\n")

    def _statement(self) -> Statement:
        line, name = self.token.line, self.token.plain
        if name not in ("if", "for", "while", "until"):
            if name in ("then", "elif", "else", "fi", "do", "done", "in"):
                raise HushSyntaxError(f"“{name}” is not expected here", line)
            return HushCommand(self._words(), line)
        if self._depth >= MAX_DEPTH:
            raise HushSyntaxError(f"conditions and loops are nested deeper than {MAX_DEPTH}", line)
        self._depth += 1
        self._advance()
        match name:
            case "if":
                found: Statement = self._if(line)
            case "for":
                found = self._for(line)
            case _:
                condition = self._commands(("do",))
                self._expect("do")
                body = self._commands(("done",))
                self._expect("done")
                found = HushLoop(condition, body, name == "until", line)
        self._depth -= 1
        return found

    def _if(self, line: int) -> HushIf:
        clauses: list[tuple[Commands, Commands]] = []
        otherwise: Commands = ()
        while True:
            condition = self._commands(("then",))
            self._expect("then")
            clauses.append((condition, self._commands(("elif", "else", "fi"))))
            if self.token.plain == "elif":
                self._advance()
                continue
            if self.token.plain == "else":
                self._advance()
                otherwise = self._commands(("fi",))
            self._expect("fi")
            return HushIf(tuple(clauses), otherwise, line)

    def _for(self, line: int) -> HushFor:
        name = self.token.word
        if name is None:
            raise HushSyntaxError("“for” has no variable", line)
        self._advance()
        self._expect("in")
        words = self._words()
        while self.token.sign in (";", "\n"):
            self._advance()
        self._expect("do")
        body = self._commands(("done",))
        self._expect("done")
        return HushFor(name, words, body, line)

    def _words(self) -> tuple[HushWord, ...]:
        words: list[HushWord] = []
        while self.token.word is not None:
            words.append(self.token.word)
            self._advance()
        return tuple(words)

    def _expect(self, reserved: str) -> None:
        if self.token.plain != reserved:
            raise HushSyntaxError(f"“{reserved}” is missing", self.token.line)
        self._advance()
