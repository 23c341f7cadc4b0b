"""The form of the review: what it demands, and that it offers every group."""

import pytest
from pydantic import ValidationError

from db.enums import EntityGroup, ReviewDecision
from flows.review import ReviewForm


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"decision": "approve"},
        {"requested_by": "Dana"},
        {"decision": "approve", "requested_by": ""},
        {"decision": "yes", "requested_by": "Dana"},
    ],
)
def test_an_empty_answer_decides_nothing(answer: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ReviewForm.model_validate(answer)


def test_the_form_offers_every_decision_and_every_group() -> None:
    properties = ReviewForm.model_json_schema()["properties"]
    assert set(properties["decision"]["enum"]) == {decision.value for decision in ReviewDecision}
    assert properties["group"]["enum"] == ["all", *(group.value for group in EntityGroup)]


def test_every_field_is_explained() -> None:
    assert all(field.get("description") for field in ReviewForm.model_json_schema()["properties"].values())
