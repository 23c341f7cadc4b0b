"""The part of JQL that the sandbox understands: comparisons joined by AND, OR and NOT, then ORDER BY."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deployments.jira_sandbox.problems import JiraProblem

Document = dict[str, Any]
Test = Callable[[Document], bool]
TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign>>=|<=|!=|!~|[=~<>(),])|(?P<word>[^\s"'()=<>!~,]+))"""
)
ORDER_LIMIT = 7


@dataclass(frozen=True)
class Token:
    """A word, a sign or a quoted string."""

    text: str
    kind: str

    def means(self, *words: str) -> bool:
        """Whether it is one of these keywords or signs."""
        return self.kind != "string" and self.text.casefold() in words


@dataclass(frozen=True)
class Clause:
    """One comparison; `values` of a function call end in `()`."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """What to find and in which order; `test` is None when nothing restricts it."""

    test: Test | None
    order: tuple[tuple[str, bool], ...]


END = Token("end of query", "end")


class Parser:
    """Recursive descent; what a clause means is the caller's business."""

    def __init__(self, text: str, meaning: Callable[[Clause], Test]) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.meaning = meaning

    def query(self) -> Query:
        """The whole query."""
        starts_with_order = self.peek().means("order")
        test = None if starts_with_order or self.peek() is END else self.any_of()
        order = self.order()
        if self.peek() is not END:
            raise self.unexpected()
        return Query(test, order)

    def peek(self) -> Token:
        """The next token."""
        return self.tokens[self.at] if self.at < len(self.tokens) else END

    def take(self, *words: str) -> Token | None:
        """The next token if it is one of these."""
        return self.next() if self.peek().means(*words) else None

    def next(self) -> Token:
        """The next token, taken."""
        token = self.peek()
        if token is END:
            raise self.unexpected()
        self.at += 1
        return token

    def unexpected(self) -> JiraProblem:
        """The token at hand does not belong here."""
        return JiraProblem(400, f"Error in the JQL Query: '{self.peek().text}' was not expected here.")

    def any_of(self) -> Test:
        """Alternatives."""
        tests = [self.all_of()]
        while self.take("or", "||"):
            tests.append(self.all_of())
        return lambda document: any(test(document) for test in tests)

    def all_of(self) -> Test:
        """Conditions that hold together."""
        tests = [self.one()]
        while self.take("and", "&&"):
            tests.append(self.one())
        return lambda document: all(test(document) for test in tests)

    def one(self) -> Test:
        """A comparison, a negation or a bracket."""
        if self.take("not"):
            inner = self.one()
            return lambda document: not inner(document)
        if self.take("("):
            inner = self.any_of()
            if not self.take(")"):
                raise self.unexpected()
            return inner
        return self.meaning(self.clause())

    def clause(self) -> Clause:
        """A comparison."""
        field = self.next().text
        if self.take("is"):
            operator = "is not" if self.take("not") else "is"
            if not self.take("empty", "null"):
                raise self.unexpected()
            return Clause(field, operator, ())
        negated = bool(self.take("not"))
        operator = self.next().text.casefold()
        if operator == "in":
            return Clause(field, "not in" if negated else "in", self.values())
        if negated or operator not in ("=", "!=", "~", "!~", "<", "<=", ">", ">="):
            self.at -= 1
            raise self.unexpected()
        return Clause(field, operator, (self.value(),))

    def values(self) -> tuple[str, ...]:
        """A list in brackets."""
        if not self.take("("):
            raise self.unexpected()
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        if not self.take(")"):
            raise self.unexpected()
        return tuple(found)

    def value(self) -> str:
        """A word, a string or a function without arguments."""
        token = self.next()
        if token.kind == "sign":
            self.at -= 1
            raise self.unexpected()
        if token.kind == "word" and self.take("("):
            if not self.take(")"):
                raise self.unexpected()
            return token.text + "()"
        return token.text

    def order(self) -> tuple[tuple[str, bool], ...]:
        """ORDER BY with at most seven fields; True means descending."""
        if not self.take("order"):
            return ()
        if not self.take("by"):
            raise self.unexpected()
        fields = [self.direction()]
        while self.take(","):
            fields.append(self.direction())
        if len(fields) > ORDER_LIMIT:
            raise JiraProblem(400, f"The maximum number of fields in the ORDER BY clause is {ORDER_LIMIT}.")
        return tuple(fields)

    def direction(self) -> tuple[str, bool]:
        """One field of ORDER BY."""
        field = self.next().text.casefold()
        token = self.take("asc", "desc")
        return field, bool(token and token.means("desc"))


def tokens(text: str) -> list[Token]:
    """Cut the query into tokens."""
    found, at = [], 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise JiraProblem(
                400, f"Error in the JQL Query: the character '{text[at:].strip()[0]}' is reserved."
            )
        kind = str(match.lastgroup)
        raw = match[kind]
        found.append(Token(re.sub(r"\\(.)", r"\1", raw[1:-1]) if kind == "string" else raw, kind))
        at = match.end()
    return found
