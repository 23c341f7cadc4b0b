"""The form of a user story, in every language that tickets are written in."""

import re
from dataclasses import dataclass

from tasks.core.settings import Language


@dataclass(frozen=True, slots=True)
class StoryForm:
    """How a story reads: as people are told, and as it is recognised."""

    shown: str
    pattern: re.Pattern[str]


STORIES = {
    Language.ENGLISH: StoryForm(
        "As a <role>, I want ... so that ...", re.compile(r"As an? \S.*?, I want \S.* so that \S.*")
    ),
    Language.GERMAN: StoryForm(
        "Als <Rolle> möchte ich ..., damit ...", re.compile(r"Als \S.*? möchte ich \S.*,? damit \S.*")
    ),
    Language.FRENCH: StoryForm(
        "En tant que <rôle>, je veux ... afin de ...",
        re.compile(
            r"En tant qu(?:e |['’])\S.*?, je (?:veux|souhaite) \S.* (?:afin (?:de|d['’]|que)|pour) ?\S.*"
        ),
    ),
    Language.SPANISH: StoryForm(
        "Como <rol>, quiero ... para ...", re.compile(r"Como \S.*?, quiero \S.* para \S.*")
    ),
    Language.DUTCH: StoryForm(
        "Als <rol> wil ik ..., zodat ...", re.compile(r"Als \S.*? wil ik \S.*,? zodat \S.*")
    ),
}
