"""`drupal-tickets cost`: what a spec would cost, or what a session costs, without spending anything."""

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.options import Budget, Granularity, Scope, SiteDescription, session_settings
from deployments.cli.output import Json, print_facts, show
from deployments.cli.workplace import find_session, with_database
from deployments.cli.writing_options import takes_writing
from tasks.core.errors import UserFixable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from tasks.core.settings import SessionSettings
    from tasks.core.tickets.estimate import Estimate
    from tasks.core.tickets.planning import Plan

PROVIDER = "anthropic"


@takes_writing
def cost(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="SESSION | SPEC...",
            help="A session, or a spec: a folder, CSV files, a zip, or an xlsx workbook.",
        ),
    ],
    *,
    site_name: Annotated[str, typer.Option(help="Name of the site: it stands in every question.")] = "",
    site_description: SiteDescription = "",
    scope: Scope = "",
    granularity: Granularity = "",
    budget: Budget = None,
    writing: dict[str, Any],
    json: Json = False,
) -> None:
    """Say what writing the tickets of a spec would cost, or what a session costs. Nothing is spent."""
    if len(what) == 1 and not Path(what[0]).exists():
        document = with_database(lambda engine: _of_session(engine, what[0]))
    else:
        settings = session_settings(scope, granularity, budget, writing=writing)
        plan = _plan([Path(part) for part in what], settings)
        words = (site_name, site_description)
        document = with_database(lambda engine: _of_spec(engine, plan, settings, words))
    show(document, json, lambda target: print_facts(target, document["cost"]))


async def _of_session(engine: "AsyncEngine", text: str) -> dict[str, Any]:
    from db.engine import session_scope
    from db.repositories.progress import ProgressRepository
    from deployments.cli.report import cost_part
    from tasks.core.settings import SessionSettings

    record = await find_session(engine, text)
    async with session_scope(engine) as session:
        spent = await ProgressRepository(session).spent_usd(record.id)
    budget = SessionSettings.model_validate(record.settings).budget_usd
    given = {"budget_usd": float(budget), "writer": record.llm_provider_choice, "model": record.llm_model}
    return {"session": {"id": str(record.id)}, "cost": {**cost_part(record.writing, spent), **given}}


def _plan(spec: list[Path], settings: "SessionSettings") -> "Plan":
    """The tickets of a spec; UserFixable when it cannot be used as it is."""
    from tasks.core.spec.load import load_spec
    from tasks.core.tickets.planning import plan_tickets
    from tasks.sources import read_local

    loaded = load_spec(read_local(spec, settings.limits), settings)
    if loaded.blocking:
        raise UserFixable(
            f"The spec cannot be used as it is: {loaded.blocking[0].message}",
            actions=loaded.blocking[0].actions,
            code=loaded.blocking[0].code,
        )
    return plan_tickets(loaded, settings)


async def _of_spec(
    engine: "AsyncEngine", plan: "Plan", settings: "SessionSettings", words: tuple[str, str]
) -> dict[str, Any]:
    from blocks.model_calls import DEFAULT_MODELS
    from db.engine import session_scope
    from tasks.core.tickets.prompt import instructions
    from tasks.estimating import estimate_tickets

    style = settings.writing
    provider = style.provider if style.provider in DEFAULT_MODELS else PROVIDER
    model = style.model or DEFAULT_MODELS[provider]
    told = instructions(*words, style)
    async with session_scope(engine) as session:
        expected = await estimate_tickets(session, provider, model, told, plan.tickets, settings.budget_usd)
    # Without a key the offline writer writes, for nothing; unless somebody asks about a model by name.
    keyless = style.provider == "auto" and not style.model and not os.environ.get("ANTHROPIC_API_KEY")
    return {"cost": _part(expected, settings.budget_usd, free=keyless or style.provider == "offline")}


def _part(expected: "Estimate", budget_usd: Decimal, *, free: bool) -> dict[str, Any]:
    with_model = {
        "estimate_usd": float(expected.expected_usd),
        "ceiling_usd": float(expected.ceiling_usd),
        "model": expected.model,
    }
    shown = {"estimate_usd": 0.0, "ceiling_usd": 0.0, "model": None} if free else with_model
    return {
        **shown,
        "spent_usd": 0.0,
        "budget_usd": float(budget_usd),
        "writer": "offline" if free else expected.provider,
        "tickets": expected.tickets,
        "answered_before": expected.stored,
        "calibrated_on_replies": expected.calibrated_on,
        **({"with_a_key": with_model} if free else {}),
    }
