"""What a failed call to Jira means, and when it is made again."""

import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from blocks.jira_client import JiraClient
from blocks.jira_errors import JiraNotFound, JiraRefused, NotSent, RateLimited
from blocks.jira_limiter import SiteLimiter, limiter_of
from tasks.core.errors import AdminRequired, ProductError, Temporary, UnknownOutcome
from tests.blocks.scripted_site import Reply, ScriptedSite, free_port, scripted

TOKEN = "a-very-secret-token"
ME = {"accountId": "me", "displayName": "Me"}
CREATED = Reply(201, {"issues": [{"id": "1", "key": "LAKE-1"}], "errors": []})
ISSUE = {"fields": {"summary": "One"}}


def client_of(site: ScriptedSite, **options: float) -> JiraClient:
    return JiraClient(site.url, "me@example.com", TOKEN, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[ScriptedSite]:
    with scripted(*getattr(request, "param", (Reply(200, ME),))) as site:
        yield site


async def create(site: ScriptedSite, **options: float) -> object:
    async with client_of(site, **options) as client:
        return await client.create_issues([ISSUE], within=30)


async def read(site: ScriptedSite) -> object:
    async with client_of(site) as client:
        return await client.myself()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(drop=True), UnknownOutcome),
        (Reply(500, {"errorMessages": ["Internal"]}), UnknownOutcome),
        (Reply(503, "Service unavailable", {"Retry-After": "1"}), UnknownOutcome),
        (Reply(504, "<html>Gateway</html>"), UnknownOutcome),
        (Reply(201, "<html>not JSON</html>"), UnknownOutcome),
        (Reply(201, None), UnknownOutcome),
        (Reply(201, {"issues": [{"no": "key"}]}), UnknownOutcome),
        (Reply(429, None, {"Retry-After": "0"}), RateLimited),
        (Reply(400, {"errorMessages": ["INVALID_INPUT"], "errors": {}}), JiraRefused),
        (Reply(413, "too much"), JiraRefused),
        (Reply(401, "Client must be authenticated to access this resource."), AdminRequired),
        (Reply(403, {"errorMessages": ["no"], "errors": {}}), AdminRequired),
        (Reply(302, None, {"Location": "http://127.0.0.1:9/elsewhere"}), AdminRequired),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value.status}{'-drop' * value.drop}",
)
async def test_a_create_request_is_sent_once_whatever_comes_back(
    reply: Reply, expected: type[ProductError]
) -> None:
    with scripted(reply) as site:
        with pytest.raises(expected) as caught:
            await create(site)
        assert type(caught.value) is expected
        assert len(site.seen) == 1


async def test_a_create_request_that_times_out_has_an_unknown_outcome_and_is_sent_once() -> None:
    with scripted(Reply(drop=True)) as site:
        held = site.lock
        held.acquire()  # the site reads the request and does not answer
        try:
            with pytest.raises(UnknownOutcome):
                await create(site, read_seconds=0.2)
        finally:
            held.release()


async def test_no_connection_means_that_nothing_was_sent() -> None:
    async with JiraClient(f"http://127.0.0.1:{free_port()}", "me@example.com", TOKEN) as client:
        with pytest.raises(NotSent, match="does not answer"):
            await client.create_issues([ISSUE], within=30)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of 127.0.0.1 that we trust, for a site to show."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1), [])
    signed = made.add_extension(address, critical=True).sign(key, hashes.SHA256())
    file = tmp_path / "site.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + signed.public_bytes(Encoding.PEM))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_an_encrypted_connection_that_breaks_has_an_unknown_outcome(
    certificate: ssl.SSLContext,
) -> None:
    with scripted(Reply(drop=True), CREATED, tls=certificate) as site:
        with pytest.raises(UnknownOutcome):
            await create(site)
        assert len(site.seen) == 1
        await create(site)


async def test_a_certificate_that_is_not_trusted_means_that_nothing_was_sent(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with scripted(CREATED, tls=certificate) as site:
        with pytest.raises(AdminRequired, match="not trusted"):
            await create(site)
        assert site.seen == []


async def test_a_create_request_that_waited_too_long_is_not_sent(site: ScriptedSite) -> None:
    async with client_of(site) as client:
        with pytest.raises(NotSent, match="too late"):
            await client.create_issues([ISSUE], within=-1)
    assert site.seen == []


async def test_a_create_request_is_not_sent_into_a_pause(site: ScriptedSite) -> None:
    async with client_of(site) as client:
        client.limiter.turned_away(5)
        with pytest.raises(NotSent):
            await client.create_issues([ISSUE], within=30)
    assert site.seen == []


@pytest.mark.parametrize("reply", [Reply(drop=True), Reply(500), Reply(503), Reply(200, "<html>")])
async def test_a_question_is_asked_again_after_an_outage(reply: Reply) -> None:
    with scripted(reply, Reply(200, ME)) as site:
        await read(site)
        assert len(site.seen) == 2


async def test_a_question_is_not_asked_for_ever() -> None:
    with scripted(Reply(500)) as site:
        with pytest.raises(Temporary):
            await read(site)
        assert len(site.seen) == 5


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_waited_out(status: int) -> None:
    with scripted(Reply(status, None, {"Retry-After": "1"}), Reply(200, ME)) as site:
        started = time.monotonic()
        await read(site)
        assert 1 <= time.monotonic() - started < 3


async def test_without_retry_after_the_end_of_the_window_counts() -> None:
    reset = (datetime.now(UTC) + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%MZ")
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    with scripted(Reply(429, None, headers)) as site:
        with pytest.raises(RateLimited) as caught:
            await create(site)
        assert caught.value.retry_after is not None
        assert 1700 < caught.value.retry_after <= 1800


async def test_a_pause_longer_than_our_patience_is_said_and_not_waited_for(site: ScriptedSite) -> None:
    async with client_of(site) as client:
        client.limiter.turned_away(1847)
        with pytest.raises(RateLimited, match=r"1847|1846") as caught:
            await client.myself()
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 1800
    assert site.seen == []


async def test_a_pause_holds_every_client_of_the_site(site: ScriptedSite) -> None:
    async with client_of(site) as one, client_of(site) as other:
        one.limiter.turned_away(0.3)
        started = time.monotonic()
        await other.myself()
        assert time.monotonic() - started >= 0.3


async def test_what_is_not_there_is_told_apart_from_what_is_refused() -> None:
    with scripted(Reply(404, {"errorMessages": ["No project could be found with key 'X'."]})) as site:
        async with client_of(site) as client:
            with pytest.raises(JiraNotFound, match="No project could be found"):
                await client.project("X")


@pytest.mark.parametrize(
    "reply",
    [Reply(401, "Client must be authenticated"), Reply(500), Reply(drop=True), Reply(200, "<html>")],
)
async def test_the_token_is_in_no_error(reply: Reply) -> None:
    with scripted(reply) as site:
        with pytest.raises(ProductError) as caught:
            await create(site)
        assert TOKEN not in repr(caught.value) + str(caught.value.details)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_the_login_does_not_follow_a_redirect() -> None:
    with scripted(Reply(200, ME)) as elsewhere:
        moved = Reply(302, None, {"Location": f"{elsewhere.url}/rest/api/3/myself"})
        with scripted(moved) as site, pytest.raises(AdminRequired, match="another address"):
            await read(site)
        assert elsewhere.seen == []


async def test_a_refusal_names_the_fields() -> None:
    body = {"errorMessages": [], "errors": {"description": "CONTENT_LIMIT_EXCEEDED"}}
    with scripted(Reply(400, body)) as site:
        with pytest.raises(JiraRefused) as caught:
            await create(site)
        assert caught.value.reasons.errors == {"description": "CONTENT_LIMIT_EXCEEDED"}


async def test_a_bulk_answer_that_refuses_every_element_is_an_answer() -> None:
    refusal = {"status": 400, "failedElementNumber": 0, "elementErrors": {"errors": {"assignee": "no"}}}
    with scripted(Reply(400, {"issues": [], "errors": [refusal]})) as site:
        async with client_of(site) as client:
            answer = await client.create_issues([ISSUE], within=30)
        assert answer.errors[0].element_errors.errors == {"assignee": "no"}


async def test_a_search_whose_pages_never_end_is_no_answer() -> None:
    page = {"issues": [{"id": "1", "key": "LAKE-1"}], "nextPageToken": "again", "isLast": False}
    with scripted(Reply(200, page)) as site:
        async with client_of(site) as client:
            with pytest.raises(Temporary, match="did not show all"):
                await client.search_label("dtg-1")
        assert len(site.seen) == 2


async def test_a_search_answer_without_its_issues_is_not_taken_for_an_empty_one() -> None:
    found = {"issues": [{"id": "1", "key": "LAKE-1"}], "isLast": True}
    with scripted(Reply(200, {"warnings": ["the index is away"]}), Reply(200, found)) as site:
        async with client_of(site) as client:
            assert [issue.key for issue in await client.search_label("dtg-1")] == ["LAKE-1"]


async def test_the_twenty_first_write_to_an_issue_waits_for_jiras_window() -> None:
    limiter = SiteLimiter()
    started = time.monotonic()
    for _ in range(20):
        await limiter.issue_slot(["LAKE-1"])
    assert time.monotonic() - started < 0.5
    await limiter.issue_slot(["LAKE-2"])
    assert time.monotonic() - started < 0.5
    await limiter.issue_slot(["LAKE-1"])
    assert time.monotonic() - started > 2


def test_a_guessed_pause_doubles_until_jira_answers_again() -> None:
    limiter = SiteLimiter()
    limiter.turned_away(None)
    first = limiter.wait_seconds()
    assert 0.3 < first <= 1
    limiter.turned_away(None)  # another request of the same moment
    assert limiter.wait_seconds() <= 1
    assert limiter_of("http://one") is not limiter_of("http://two")


def test_near_a_limit_everybody_goes_slower() -> None:
    limiter = SiteLimiter()
    limiter.passed(near_limit=False)
    assert limiter.wait_seconds() == 0
    limiter.passed(near_limit=True)
    assert 0 < limiter.wait_seconds() <= 0.1
