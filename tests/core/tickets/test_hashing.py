"""The content hash stands for exactly what would be sent."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.core.tickets.hashing import content_hash
from tasks.core.tickets.model import AttachmentFile

ADF = {"version": 1, "type": "doc", "content": [{"type": "paragraph"}]}
FILE = AttachmentFile(filename="a.md", content="x")


def test_equal_content_has_one_hash_whatever_the_order_of_keys() -> None:
    turned = dict(reversed(ADF.items()))
    assert content_hash("Title", ADF, FILE) == content_hash("Title", turned, FILE)


def test_title_description_and_attachment_each_change_it() -> None:
    hashes = {
        content_hash("Title", ADF, FILE),
        content_hash("title", ADF, FILE),
        content_hash("Title", ADF | {"content": []}, FILE),
        content_hash("Title", ADF, None),
        content_hash("Title", ADF, AttachmentFile(filename="b.md", content="x")),
        content_hash("Title", ADF, AttachmentFile(filename="a.md", content="y")),
    }
    assert len(hashes) == 6


@given(st.text(st.characters()))
def test_any_text_can_be_hashed(title: str) -> None:
    assert len(content_hash(title, ADF, None)) == 64
