"""Logs as JSON, as a flow really writes them."""

import json
import logging
import os
import subprocess
import sys
from uuid import uuid4

from deployments.logging_json import SETTINGS, WANTED, JsonLines, wanted, with_part

# Prefect sets up logging when it is imported, as in every run; the context is what the engine gives a flow.
LOG = """
import sys
from uuid import UUID
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.logging import get_logger
import prefect.main

run = FlowRun.model_construct(id=UUID(sys.argv[1]), tags=["session:" + sys.argv[2]])
with FlowRunContext.model_construct(flow_run=run, parameters={}):
    get_logger("test").warning("Two lines\\nin %s", "one")
    try:
        1 / 0
    except ZeroDivisionError:
        get_logger("test").exception("Divided")
"""


def test_each_line_has_its_session_and_run() -> None:
    run, session = str(uuid4()), str(uuid4())
    environment = {**os.environ, **SETTINGS, WANTED: "json", "PREFECT_LOGGING_COLORS": "false"}
    done = subprocess.run(
        [sys.executable, "-c", LOG, run, session], env=environment, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["flow_run_id"], line["session_id"], line["level"]) for line in lines] == [
        (run, session, "WARNING"),
        (run, session, "ERROR"),
    ]
    assert lines[0]["message"] == "Two lines\nin one"
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_outside_a_run_there_is_none() -> None:
    record = logging.LogRecord("worker", logging.INFO, "file", 1, "Started", (), None)
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["session_id"], line["flow_run_id"]) == ("Started", None, None)


def test_lines_of_other_programs_are_wrapped() -> None:
    assert json.loads(with_part("postgres", "LOG: ready")) == {"part": "postgres", "message": "LOG: ready"}
    assert json.loads(with_part("worker", '{"message": "x"}')) == {"part": "worker", "message": "x"}


def test_it_is_asked_for_by_one_variable() -> None:
    assert wanted({WANTED: "json"})
    assert not wanted({WANTED: "standard"})
    assert not wanted({})
