# SPDX-License-Identifier: MIT
"""Parse GRUB's language into words and commands, without expanding or running anything.

Time is linear in the length of the text, and nesting is bounded. The rules are those of grub-core/script/yylex.l and
parser.y; comments mark where this parser is more lenient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.typed import NoReturn

MAX_NESTING = 32
"""Depth of nested blocks of any kind."""

MAX_PARTS = 5000
"""Parts of one word: texts, quotations and variables."""

_BATCH = 8  # tokens that are reported together, each as one step


class WordPartKind(Enum):
    """The kind of a part of a word."""

    TEXT = auto()
    """Literal text, in which * and ? are wildcards."""
    QUOTED = auto()
    """Literal text, which makes a word even if it is empty."""
    VARIABLE = auto()
    """The name of a variable whose value is split at spaces."""
    QUOTED_VARIABLE = auto()
    """The name of a variable whose value is not split."""


Part = tuple[WordPartKind, str]
Word = tuple[Part, ...]


class Simple(Value):
    """A command: its words, the block after them, and the line of its first word."""

    line: int
    words: tuple[Word, ...]
    block: tuple[Command, ...] | None = None


class If(Value):
    """`if` with (condition, body) of itself and of each `elif`, and the body of `else`."""

    clauses: tuple[tuple[tuple[Command, ...], tuple[Command, ...]], ...]
    otherwise: tuple[Command, ...]


class While(Value):
    """`while`, or `until`."""

    condition: tuple[Command, ...]
    body: tuple[Command, ...]
    until: bool


class For(Value):
    """`for NAME in WORDS`."""

    name: str
    words: tuple[Word, ...]
    body: tuple[Command, ...]


class Function(Value):
    """`function NAME { BODY }`."""

    name: str
    body: tuple[Command, ...]


Command = Simple | If | While | For | Function


class Mistake(Value):
    """A syntax error; parsing continues in the next line, as in GRUB."""

    line: int
    message: str


class _StatementError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class _Token(Enum):
    WORD = auto()
    NEWLINE = auto()
    SEMICOLON = auto()
    OPEN = auto()
    CLOSE = auto()
    BAD = auto()
    END = auto()


# possessive quantifiers save the memory for backtracking, which was 115 bytes per character
_BLANK = regex(r"(?:[ \t]++|\\\n)++")
_COMMENT = regex(r"#[^\n]*")
_NEWLINES = regex(r"\n(?:[ \t\n]++|#[^\n]*+)*+")  # with empty lines and comments that follow
_HEXADECIMAL = regex(r"\\x[0-9a-fA-F]{2}")
_PLAIN = regex(r"[^{}|&$;<> \t\n'\"\\]+")
_SINGLE = regex(r"'([^']*)'")
_DOUBLE_PLAIN = regex(r'[^"$\\]+')
_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = regex(r"\$(?:([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])|\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@])\})")

# yylex.l: reserved words; those without a rule in parser.y are errors as the first word of a command
_CLOSERS = frozenset(("then", "elif", "else", "fi", "do", "done"))
_UNUSED = frozenset(("case", "esac", "select", "[[", "]]", "in"))

_Lexeme = tuple[_Token, Word, int]  # the last is the line in which it begins


def statements(text: str, spend: Callable[[int], None]) -> Iterator[Command | Mistake]:
    """Yield the statements of a text, parsed lazily, so that unreached code is never parsed.

    spend: called with the number of steps that parsing took; may raise an exception to stop it.
    """
    # grub-core/normal/misc.c:grub_file_getline skips carriage returns
    parser = _Parser(_Lexer(text.replace("\r", "")), spend)
    mistaken = False
    while not parser.at_end():
        try:
            command = parser.statement()
        except _StatementError as mistake:
            # after a broken block its closing words are left over: report the first error only
            if not (mistaken and parser.closes()):
                yield Mistake(mistake.line, mistake.message)
            mistaken = True
            parser.skip_line()
        else:
            if command is not None:
                yield command


class _Lexer:
    """Split a text into tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def skip_line(self) -> None:
        """Continue at the end of this line."""
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def next(self) -> _Lexeme:
        """Return the next token; after the last one always END."""
        text = self._text
        if blank := _BLANK.match(text, self._at):
            self._go(blank.end())
        if comment := _COMMENT.match(text, self._at):
            self._at = comment.end()
        line = self._line
        char = text[self._at : self._at + 1]
        if not char:
            return (_Token.END, (), line)
        if newlines := _NEWLINES.match(text, self._at):
            self._go(newlines.end())
            return (_Token.NEWLINE, (), line)
        if char in "{}|&;<>":
            self._at += 1
            if char == ";" and not text.startswith(";", self._at):
                return (_Token.SEMICOLON, (), line)
            if char in "{}":
                return (_Token.OPEN if char == "{" else _Token.CLOSE, ((WordPartKind.TEXT, char),), line)
            return (_Token.BAD, ((WordPartKind.TEXT, f"unexpected “{char}”"),), line)
        parts: list[Part] = []
        end, error = _word(text, self._at, parts)
        self._go(end)
        return (_Token.BAD, ((WordPartKind.TEXT, error),), line) if error else (_Token.WORD, tuple(parts), line)

    def _go(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end


def _word(text: str, position: int, parts: list[Part]) -> tuple[int, str]:
    """Append the parts of one word to `parts`; return (its end, an error message or empty)."""
    end = len(text)
    while position < end:
        if len(parts) > MAX_PARTS:
            return position, "a word grows too long"
        if plain := _PLAIN.match(text, position):
            parts.append((WordPartKind.TEXT, plain.group()))
            position = plain.end()
            continue
        char = text[position]
        if char == "\\":
            following = text[position + 1 : position + 2]
            if _HEXADECIMAL.match(text, position):
                # Red Hat's GRUB keeps it (script/execute.c:is_hex), for the kernel's or dracut's `LABEL=A\x20B`
                following, position = "\\", position - 1
            if following != "\n":  # which continues the line
                parts.append((WordPartKind.QUOTED, following or "\\"))
            position += 2
        elif char == "'":
            single = _SINGLE.match(text, position)
            if single is None:
                return end, "a quotation mark (') is not closed"
            parts.append((WordPartKind.QUOTED, single[1]))
            position = single.end()
        elif char == '"' or text.startswith('$"', position):
            # $"..." is translated if possible, else used as it is (execute.c:gettext_append)
            position = _double(text, position + (1 if char == '"' else 2), parts)
            if position < 0:
                if len(parts) > MAX_PARTS:
                    return end, "a word grows too long"
                return end, 'a quotation mark (") is not closed'
        elif char == "$":
            variable = _VARIABLE.match(text, position)
            # yylex.l rejects the whole line for a $ without a name; take it literally, to find more kernels
            parts.append(
                (WordPartKind.VARIABLE, variable[1] or variable[2]) if variable else (WordPartKind.TEXT, "$")
            )
            position = variable.end() if variable else position + 1
        else:
            break
    return min(position, end), ""


def _double(text: str, position: int, parts: list[Part]) -> int:
    """Append the parts of a text in double quotation marks; return its end, or -1 if it is not closed."""
    parts.append((WordPartKind.QUOTED, ""))
    end = len(text)
    while position < end and len(parts) <= MAX_PARTS:
        if plain := _DOUBLE_PLAIN.match(text, position):
            parts.append((WordPartKind.QUOTED, plain.group()))
            position = plain.end()
            continue
        char = text[position]
        if char == '"':
            return position + 1
        if char == "$":
            variable = _VARIABLE.match(text, position)
            parts.append(
                (WordPartKind.QUOTED_VARIABLE, variable[1] or variable[2]) if variable else (WordPartKind.QUOTED, "$")
            )
            position = variable.end() if variable else position + 1
            continue
        # the manual, Quoting: within double quotes a backslash "retains its special meaning only when followed by
        # $, ", \ or newline"; otherwise it is literal
        following = text[position + 1 : position + 2]
        if following in ("$", '"', "\\"):
            parts.append((WordPartKind.QUOTED, following))
        elif following != "\n":
            parts.append((WordPartKind.QUOTED, f"\\{following}"))
        position += 2
    return -1


class _Parser:
    """A recursive descent parser, limited to a depth of MAX_NESTING."""

    def __init__(self, lexer: _Lexer, spend: Callable[[int], None]) -> None:
        self._lexer = lexer
        self._spend = spend
        self._read = 0
        self._depth = 0
        self._token, self._word, self._line = lexer.next()

    def at_end(self) -> bool:
        return self._token is _Token.END

    def closes(self) -> bool:
        return self._token is _Token.CLOSE or self._keyword() in _CLOSERS

    def skip_line(self) -> None:
        self._depth = 0
        if self._token is not _Token.NEWLINE:
            self._lexer.skip_line()
            self._advance()

    def statement(self) -> Command | None:
        """Return the next command of the outermost level, or None for a separator."""
        if self._token in (_Token.NEWLINE, _Token.SEMICOLON):
            self._advance()
            return None
        return self._command()

    def _advance(self) -> None:
        self._read += 1
        if self._read % _BATCH == 0:
            self._spend(_BATCH)
        self._token, self._word, self._line = self._lexer.next()

    def _keyword(self) -> str:
        """Return the current word if it is unquoted text, so that it may be a reserved word; else empty."""
        if self._token is _Token.WORD and len(self._word) == 1 and self._word[0][0] is WordPartKind.TEXT:
            return self._word[0][1]
        return ""

    def _fail(self, message: str, line: int = 0) -> NoReturn:
        raise _StatementError(line or self._line, message)

    def _command(self) -> Command:
        """Parse one command with its blocks."""
        keyword = self._keyword()
        if keyword in _CLOSERS or keyword in _UNUSED:
            self._fail(f"unexpected “{keyword}”")
        match keyword:
            case "if":
                return self._nested(self._if)
            case "while" | "until":
                return self._nested(self._while)
            case "for":
                return self._nested(self._for)
            case "function":
                return self._nested(self._function)
        if self._token is _Token.BAD:
            self._fail(self._word[0][1])
        if self._token is not _Token.WORD:
            self._fail(f"unexpected “{self._word[0][1]}”" if self._word else "a command is missing")
        return self._simple()

    def _nested(self, read: Callable[[], Command]) -> Command:
        self._enter()
        command = read()
        self._depth -= 1
        return command

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail(f"blocks are nested more than {MAX_NESTING} deep")

    def _simple(self) -> Simple:
        line = self._line
        words: list[Word] = []
        while self._token is _Token.WORD:
            words.append(self._word)
            self._advance()
        block: tuple[Command, ...] | None = None
        match self._token:
            case _Token.OPEN:
                self._enter()
                block = self._braces(line)
                self._depth -= 1
            case _Token.BAD:
                self._fail(self._word[0][1])
        return Simple(line, tuple(words), block)

    def _braces(self, line: int) -> tuple[Command, ...]:
        """Parse the commands between { and }; accept an empty block, unlike parser.y."""
        self._advance()
        body = self._list(())
        if self._token is not _Token.CLOSE:
            self._fail("a block ({) is not closed", line)
        self._advance()
        return body

    def _list(self, closers: tuple[str, ...]) -> tuple[Command, ...]:
        """Parse commands up to one of these words, } or the end."""
        commands: list[Command] = []
        while self._token not in (_Token.CLOSE, _Token.END):
            if self._token in (_Token.NEWLINE, _Token.SEMICOLON):
                self._advance()
            elif closers and self._keyword() in closers:
                break
            else:
                commands.append(self._command())
        return tuple(commands)

    def _expect(self, keyword: str, opened: str, line: int) -> None:
        if self._keyword() != keyword:
            self._fail(f"“{opened}” has no “{keyword}”", line)
        self._advance()

    def _if(self) -> If:
        line = self._line
        clauses: list[tuple[tuple[Command, ...], tuple[Command, ...]]] = []
        while self._keyword() in ("if", "elif"):
            self._advance()
            condition = self._list(("then",))
            self._expect("then", "if", line)
            clauses.append((condition, self._list(("elif", "else", "fi"))))
        otherwise: tuple[Command, ...] = ()
        if self._keyword() == "else":
            self._advance()
            otherwise = self._list(("fi",))
        self._expect("fi", "if", line)
        return If(tuple(clauses), otherwise)

    def _while(self) -> While:
        line, keyword = self._line, self._keyword()
        self._advance()
        condition = self._list(("do",))
        self._expect("do", keyword, line)
        body = self._list(("done",))
        self._expect("done", keyword, line)
        return While(condition, body, keyword == "until")

    def _for(self) -> For:
        line = self._line
        self._advance()
        name = self._name("for")
        self._expect("in", "for", line)
        words: list[Word] = []
        while self._token is _Token.WORD:
            words.append(self._word)
            self._advance()
        while self._token in (_Token.NEWLINE, _Token.SEMICOLON):
            self._advance()
        self._expect("do", "for", line)
        body = self._list(("done",))
        self._expect("done", "for", line)
        return For(name, tuple(words), body)

    def _function(self) -> Function:
        line = self._line
        self._advance()
        name = self._name("function")
        while self._token is _Token.NEWLINE:
            self._advance()
        if self._token is not _Token.OPEN:
            self._fail("“function” has no body", line)
        return Function(name, self._braces(line))

    def _name(self, keyword: str) -> str:
        name = self._keyword()
        if not _NAME.fullmatch(name):
            self._fail(f"“{keyword}” has no name")
        self._advance()
        return name
