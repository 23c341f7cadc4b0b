"""jira.md 12 and 13: consent, access tokens, refresh tokens that rotate."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.deployments.jira_sandbox.builders import AGILE, API, attach, create
from tests.jira_sandbox import EMAIL, VIEWER, JiraSandbox

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
REDIRECT = "http://127.0.0.1:8914/callback"
SCOPES = "read:jira-work write:jira-work read:jira-user offline_access"


def authorize(sandbox: JiraSandbox, **changes: str) -> httpx.Response:
    query = {
        "audience": "api.atlassian.com",
        "client_id": "sandbox-client",
        "scope": SCOPES,
        "redirect_uri": REDIRECT,
        "state": "s t",
        "response_type": "code",
        "prompt": "consent",
        "as": EMAIL,
    }
    return httpx.get(f"{sandbox.url}/authorize?{urlencode(query | changes)}")


def token(sandbox: JiraSandbox, **body: str) -> httpx.Response:
    return httpx.post(f"{sandbox.url}/oauth/token", json=CLIENT | body)


def grant(sandbox: JiraSandbox, **changes: str) -> dict[str, Any]:
    answered = parse_qs(urlsplit(authorize(sandbox, **changes).headers["location"]).query)
    assert answered["state"] == ["s t"]
    code = answered["code"][0]
    answer = token(sandbox, grant_type="authorization_code", code=code, redirect_uri=REDIRECT)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refresh(sandbox: JiraSandbox, refresh_token: str) -> httpx.Response:
    return token(sandbox, grant_type="refresh_token", refresh_token=refresh_token)


def gateway(sandbox: JiraSandbox, access_token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {access_token}"}
    (resource,) = httpx.get(f"{sandbox.url}/oauth/token/accessible-resources", headers=headers).json()
    assert resource["url"] == sandbox.url
    return httpx.Client(base_url=f"{sandbox.url}/ex/jira/{resource['id']}", headers=headers)


def test_fact_12_calls_go_through_the_gateway_with_a_bearer_token(jira_sandbox: JiraSandbox) -> None:
    with gateway(jira_sandbox, grant(jira_sandbox)["access_token"]) as http:
        assert http.get(f"{API}/myself").json()["emailAddress"] == EMAIL
        made = create(http)
        assert made["self"].startswith(str(http.base_url).rstrip("/"))
        item = attach(http, made["key"], content=b"x").json()[0]
        assert http.get(item["content"], follow_redirects=True).content == b"x"


def test_fact_12_the_two_ways_do_not_mix(jira_sandbox: JiraSandbox) -> None:
    access = grant(jira_sandbox)["access_token"]
    headers = {"Authorization": f"Bearer {access}"}
    assert httpx.get(f"{jira_sandbox.url}{API}/myself", headers=headers).status_code == 401
    with gateway(jira_sandbox, access) as http:
        basic = httpx.get(f"{http.base_url}{API[1:]}/myself", auth=(jira_sandbox.email, jira_sandbox.token))
        assert (basic.status_code, basic.json()) == (401, {"code": 401, "message": "Unauthorized"})
    assert httpx.get(f"{jira_sandbox.url}/ex/jira/other{API}/myself", headers=headers).status_code == 401
    assert httpx.get(f"{jira_sandbox.url}/oauth/token/accessible-resources").status_code == 401


def test_fact_12_a_call_needs_its_scope(jira_sandbox: JiraSandbox) -> None:
    access = grant(jira_sandbox, scope="read:jira-work")["access_token"]
    with gateway(jira_sandbox, access) as http:
        assert http.get(f"{API}/project/LAKE").status_code == 200
        assert http.post(f"{API}/search/jql", json={"jql": "project = LAKE"}).status_code == 200
        for answer in (
            http.post(f"{API}/issue", json={}),
            http.get(f"{API}/myself"),
            http.get(f"{AGILE}/board"),
        ):
            assert (answer.status_code, answer.json()["message"]) == (
                401,
                "Unauthorized; scope does not match",
            )


def test_fact_12_the_account_keeps_its_permissions(jira_sandbox: JiraSandbox) -> None:
    access = grant(jira_sandbox, **{"as": VIEWER[0]})["access_token"]
    with gateway(jira_sandbox, access) as http:
        assert http.post(f"{API}/issue", json={"fields": {"project": {"key": "LAKE"}}}).status_code == 400


def test_fact_13_each_refresh_answers_a_new_token_and_ends_the_old(jira_sandbox: JiraSandbox) -> None:
    first = grant(jira_sandbox)
    assert first["expires_in"] == 3600
    second = refresh(jira_sandbox, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert refresh(jira_sandbox, first["refresh_token"]).status_code == 200, "within the leeway"
    jira_sandbox.settings(refresh_leeway_seconds=0)
    refused = refresh(jira_sandbox, first["refresh_token"])
    assert refused.status_code == 403
    assert refused.json() == {
        "error": "invalid_grant",
        "error_description": "Unknown or invalid refresh token.",
    }
    assert refresh(jira_sandbox, second["refresh_token"]).status_code == 200


def test_fact_13_without_offline_access_there_is_no_refresh_token(jira_sandbox: JiraSandbox) -> None:
    assert "refresh_token" not in grant(jira_sandbox, scope="read:jira-work")


def test_fact_13_an_access_token_expires(jira_sandbox: JiraSandbox) -> None:
    tokens = grant(jira_sandbox)
    with gateway(jira_sandbox, tokens["access_token"]) as http:
        jira_sandbox.settings(access_token_seconds=0)
        assert http.get(f"{API}/myself").status_code == 401
    jira_sandbox.settings(access_token_seconds=3600)
    jira_sandbox.call("DELETE", "/tokens?kind=access")
    renewed = refresh(jira_sandbox, tokens["refresh_token"]).json()
    with gateway(jira_sandbox, renewed["access_token"]) as http:
        assert http.get(f"{API}/myself").status_code == 200


@pytest.mark.parametrize("end", ["revoke", "forget"])
def test_fact_13_a_consent_can_end(jira_sandbox: JiraSandbox, end: str) -> None:
    tokens = grant(jira_sandbox)
    if end == "revoke":
        body = CLIENT | {"token": tokens["refresh_token"]}
        assert httpx.post(f"{jira_sandbox.url}/oauth/revoke", data=body).status_code == 200
    else:
        jira_sandbox.call("DELETE", "/tokens")
    assert refresh(jira_sandbox, tokens["refresh_token"]).status_code == 403


def test_fact_13_tokens_survive_a_restart(own_jira_sandbox: JiraSandbox) -> None:
    tokens = grant(own_jira_sandbox)
    own_jira_sandbox.kill()
    own_jira_sandbox.start()
    assert refresh(own_jira_sandbox, tokens["refresh_token"]).status_code == 200


def test_a_code_is_good_once_for_its_client_and_its_address(jira_sandbox: JiraSandbox) -> None:
    code = parse_qs(urlsplit(authorize(jira_sandbox).headers["location"]).query)["code"][0]
    exchange = {"grant_type": "authorization_code", "code": code}
    assert token(jira_sandbox, **exchange, redirect_uri="http://127.0.0.1:1/x").status_code == 403
    assert token(jira_sandbox, **exchange, redirect_uri=REDIRECT, client_secret="no").status_code == 401
    assert token(jira_sandbox, **exchange, redirect_uri=REDIRECT).status_code == 200
    assert token(jira_sandbox, **exchange, redirect_uri=REDIRECT).status_code == 403
    assert token(jira_sandbox, grant_type="password").status_code == 403


def test_the_consent_page_lets_the_person_choose_or_refuse(jira_sandbox: JiraSandbox) -> None:
    page = authorize(jira_sandbox, **{"as": ""}, state="<script>")
    assert page.status_code == 200
    assert f"Accept as {EMAIL}" in page.text
    assert "<script" not in page.text
    refused = authorize(jira_sandbox, deny="1").headers["location"]
    assert parse_qs(urlsplit(refused).query)["error"] == ["access_denied"]


@pytest.mark.parametrize(
    "change", [{"client_id": "stranger"}, {"redirect_uri": "https://evil.example"}, {"scope": ""}]
)
def test_strangers_get_no_consent_page(jira_sandbox: JiraSandbox, change: dict[str, str]) -> None:
    assert authorize(jira_sandbox, **change).status_code == 400
