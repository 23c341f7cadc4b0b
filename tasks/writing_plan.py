"""Who writes the tickets of a session, with which words, and what it will cost: settled before a cent is spent."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncEngine

from blocks.anthropic import AnthropicWriter
from blocks.openai import OpenAIWriter
from blocks.writer_block import WriterBlock
from db.engine import session_scope
from db.fence import Fence
from db.models import Session
from db.repositories.progress import ProgressRepository
from db.repositories.reservations import ReservationRepository
from db.repositories.sessions import SessionRepository
from db.repositories.writing import WritingRepository
from tasks.core.errors import AdminRequired
from tasks.core.outcomes import StageRun
from tasks.core.settings import SessionSettings, WritingSettings
from tasks.core.tickets.estimate import Estimate
from tasks.core.tickets.model import Frozen
from tasks.core.tickets.planning import Plan
from tasks.core.tickets.prompt import asked_for, instructions
from tasks.estimating import estimate_tickets
from tasks.stage_record import actor_of

OFFLINE = "offline"
# By provider, which is the name of its block as well; the first that is there writes.
BLOCKS: dict[str, type[WriterBlock]] = {"anthropic": AnthropicWriter, "openai": OpenAIWriter}


class WritingPlan(Frozen):
    """Who writes, with what instructions, and for how much at most."""

    provider: str
    model: str
    instructions: str
    style: WritingSettings
    limit_usd: Decimal = Decimal(0)
    estimate: Estimate | None = None

    @property
    def asks_a_model(self) -> bool:
        """Whether there is anything to pay for."""
        return self.estimate is not None and self.estimate.stored < self.estimate.tickets


async def make_writing_plan(
    engine: AsyncEngine, run: StageRun, plan: Plan, instruction: str = ""
) -> WritingPlan:
    """Fix the writer of the session, count the dead runs' calls, and estimate what is left to pay.

    An `instruction` is what a person asks for on top when they have tickets written anew.
    """
    async with session_scope(engine) as session:
        record = await SessionRepository(session).get(run.session_id)
    settings = SessionSettings.model_validate(record.settings)
    provider, model = await choose_writer(record, settings.writing)
    async with session_scope(engine) as session:
        provider, fixed = await WritingRepository(session).fix_writer(
            run.session_id, provider, model or None, actor=actor_of(run)
        )
    words = instructions(record.site_name, record.site_description, settings.writing)
    words += asked_for(instruction)
    writing = WritingPlan(provider=provider, model=fixed or "", instructions=words, style=settings.writing)
    if provider == OFFLINE:
        return writing
    async with session_scope(engine) as session:
        fence = Fence(run.flow_run_id, run.attempt or 0)
        await ReservationRepository(session).settle_those_of_the_dead(run.session_id, fence)
        spent = await ProgressRepository(session).spent_usd(run.session_id)
        left = max(settings.budget_usd - spent, Decimal(0))
        expected = await estimate_tickets(session, provider, writing.model, words, plan.tickets, left)
        await WritingRepository(session).note(
            run.session_id, "estimate", _noted(expected, spent), actor=actor_of(run)
        )
    return writing.model_copy(update={"limit_usd": spent + expected.ceiling_usd, "estimate": expected})


async def choose_writer(record: Session, style: WritingSettings) -> tuple[str, str]:
    """Provider and model of a session: as fixed, else as its settings say, else the first there is a block for."""
    if record.writing.get("fixed"):
        return record.llm_provider_choice, record.llm_model or ""
    wanted = list(BLOCKS) if style.provider == "auto" else [style.provider]
    for provider in wanted:
        if provider != OFFLINE and (block := await load_block(provider)) is not None:
            return provider, style.model or block.model
    if style.provider in ("auto", OFFLINE):
        return OFFLINE, ""
    raise no_block(style.provider)


async def load_block(provider: str) -> WriterBlock | None:
    """The block of a provider, or None where there is none."""
    if provider not in BLOCKS:
        return None
    try:
        block: WriterBlock = await BLOCKS[provider].aload(provider)
    except ValueError:  # Prefect's word for a block that does not exist
        return None
    return block


def no_block(provider: str) -> AdminRequired:
    """What to do where a session wants a model that nobody gave a key for."""
    return AdminRequired(
        f"The session is written by {provider}, but there is no block “{provider}” with its key.",
        actions=("Create the block in the Prefect UI, or set the key and start the stack again.",),
        code="model-block-missing",
    )


def _noted(expected: Estimate, spent: Decimal) -> dict[str, object]:
    """For the whole session, what was spent by earlier runs included."""
    return {
        **expected.model_dump(mode="json"),
        "expected_usd": float(spent + expected.expected_usd),
        "ceiling_usd": float(spent + expected.ceiling_usd),
    }
