"""Atlassian's own OpenAPI documents as a judge of recorded calls (the entries of the sandbox's journal)."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema_rs

FOLDER = Path(__file__).parents[2] / "shared" / "jira"
DOCUMENTS = ("jira-platform-v3.json", "jira-software-agile-1.0.json")
# What the documents leave out and Jira does: jira.md 5 (removed search), 4 (rate limits), 12 (credentials);
# 415 is for a body that does not say that it is JSON.
EVERYWHERE = {"401", "415", "429"}
GATEWAY = re.compile(r"^/ex/jira/[^/]+")
BEYOND = {("/rest/api/3/search", "410")}


@dataclass
class Operation:
    """One operation of one document."""

    path: str
    method: str
    definition: dict[str, Any]
    components: dict[str, Any]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the paths of this operation."""
        return re.compile(
            "/".join("[^/]+" if part.startswith("{") else part for part in self.path.split("/"))
        )

    def validator(self, schema: dict[str, Any]) -> Any:
        """A validator of one of its schemas."""
        # Formats are not judged: the examples of the documents write times without a colon in the offset.
        whole = schema | {"components": self.components}
        return jsonschema_rs.Draft4Validator(whole, validate_formats=False)


class JiraDocuments:
    """Judges requests and answers."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.validators: dict[tuple[str, str, str], Any] = {}
        self.operations = [op for name in DOCUMENTS for op in read_operations(folder / name)]
        # Fixed paths before those with a variable in the same place.
        self.operations.sort(key=lambda op: [part.startswith("{") for part in op.path.split("/")])

    def problems(self, entry: dict[str, Any]) -> list[str]:
        """Everything in which a recorded call differs from the documents."""
        path = GATEWAY.sub("", entry["path"])
        if not path.startswith("/rest/"):
            return []  # the authorization server is not described there
        operation = self.find(entry["method"], path)
        if operation is None:
            return [f"{entry['method']} {entry['path']}: no such operation"]
        found = [*self.request_problems(operation, entry), *self.answer_problems(operation, entry)]
        return [f"{entry['method']} {entry['path']} #{entry['seq']}: {problem}" for problem in found]

    def find(self, method: str, path: str) -> Operation | None:
        """The operation that a path means."""
        matching = (
            op for op in self.operations if op.method == method.lower() and op.pattern.fullmatch(path)
        )
        return next(matching, None)

    def request_problems(self, operation: Operation, entry: dict[str, Any]) -> list[str]:
        """Unknown query parameters, a body that does not fit."""
        known = {item["name"] for item in operation.definition.get("parameters", []) if item["in"] == "query"}
        found = [f"unknown query parameter {name}" for name in parse_qs(entry["query"]) if name not in known]
        content = operation.definition.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            found += self.schema_problems(
                operation, "request", content.get("schema", {}), entry["request_body"]
            )
        return found

    def answer_problems(self, operation: Operation, entry: dict[str, Any]) -> list[str]:
        """An undocumented status, a body that does not fit."""
        status = str(entry["status"])
        documented = operation.definition["responses"].get(status)
        if documented is None:
            known = status in EVERYWHERE or (operation.path, status) in BEYOND
            return [] if known else [f"status {status} is not documented"]
        content = documented.get("content", {}).get("application/json", {})
        if "json" not in entry["response_headers"].get("content-type", "") or "schema" not in content:
            return []
        return self.schema_problems(operation, status, content["schema"], entry["response_body"])

    def schema_problems(self, op: Operation, part: str, schema: dict[str, Any], value: Any) -> list[str]:
        """The first difference from a schema."""
        key = (op.method, op.path, part)
        if key not in self.validators:
            self.validators[key] = op.validator(schema)
        error = next(iter(self.validators[key].iter_errors(value)), None)
        return [f"{part}: {error.message[:300]} at {list(error.instance_path)}"] if error else []


def read_operations(path: Path) -> list[Operation]:
    """All operations of a document."""
    document = json.loads(path.read_text("utf-8"))
    methods = {"get", "post", "put", "delete"}
    return [
        Operation(template, method, definition, document["components"])
        for template, item in document["paths"].items()
        for method, definition in item.items()
        if method in methods
    ]
