"""Credentials are taken out of text, and ordinary text stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.redaction import redacted, redacted_values, without_credentials

CANARY = "c4n4ry-S3cret"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://user:pw@host:8080/x", "see https://***@host:8080/x"),
        ("https://ghp_token@github.com/a/b", "https://***@github.com/a/b"),
        ("git+https://t:x@host/y", "git+https://***@host/y"),
        ("'http://a:b@c@d/e'", "'http://***@d/e'"),
        ("postgresql+psycopg://team:pw@db:5432/zoo", "postgresql+psycopg://team:***@db:5432/zoo"),
        ("postgresql://team@db/zoo", "postgresql://team@db/zoo"),
        ("postgresql://db/zoo?user=a&password=pw&x=1", "postgresql://db/zoo?user=a&password=***&x=1"),
        ("https://cdn/f?X-Amz-Signature=ab12&Expires=3", "https://cdn/f?X-Amz-Signature=***&Expires=3"),
        ("/api?access_token=abc#top", "/api?access_token=***#top"),
        ("host=db password='a b' dbname=z", "host=db password=*** dbname=z"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("{'authorization': 'Basic dTpw'}", "{'authorization': 'Basic ***'}"),
        ("sent Bearer abcdefghijklmnopqrstu to", "sent Bearer *** to"),
    ],
)
def test_credentials_that_show_by_where_they_stand(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://huggingface.co/org/model@main",
        "mail me@example.org",
        "hf:org/model@v1.0",
        "authorization: required",
        "the bearer of news",
        "a basic understanding",
        "https://host/list?page=2&sort=name",
        "password: choose one",
        "tokens=512, key=value",
        "file:///a/b@c",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redacted(text) == without_credentials(text) == text


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "OPENAI_API_KEY", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"]
)
def test_secrets_of_the_environment_are_hidden_wherever_they_stand(name: str, monkeypatch) -> None:
    monkeypatch.setenv(name, CANARY)
    assert redacted(f"said '{CANARY}'.") == "said '***'."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_ENDPOINT", "https://user:{}@hub.example"),
        ("HTTPS_PROXY", "http://user:{}@proxy:3128"),
        ("ALL_PROXY", "socks5://user:{}@proxy:1080"),
        ("ZOO_REGISTRY", "postgresql://user:{}@db/zoo"),
        ("ZOO_REGISTRY", "postgresql://db/zoo?user=x&password={}"),
        ("PIP_INDEX_URL", "https://user:{}@pypi.example/simple"),
    ],
)
def test_passwords_of_addresses_in_the_environment_are_hidden_alone_too(name: str, value: str, monkeypatch) -> None:
    monkeypatch.setenv(name, value.format(CANARY))
    assert redacted(f"FATAL: no match for {CANARY}") == "FATAL: no match for ***"
    assert CANARY not in redacted(value.format(CANARY))


def test_a_password_is_hidden_as_it_is_written_and_as_it_is_meant(monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://user:p%40ss%2Fword-1@hub.example")
    assert redacted("p@ss/word-1 and p%40ss%2Fword-1") == "*** and ***"


def test_a_password_with_a_slash_is_hidden_in_its_address(monkeypatch) -> None:
    address = "postgresql://user:pass/word1234@db/zoo"
    monkeypatch.setenv("ZOO_REGISTRY", address)
    assert "word1234" not in redacted(f"cannot connect to {address}")


def test_a_secret_that_is_a_word_is_hidden_as_a_whole_word_only(monkeypatch) -> None:
    monkeypatch.setenv("ZOO_REGISTRY", "postgresql://postgres:postgres@db/zoo")
    assert redacted("postgresql: user postgres") == "postgresql: user ***"


def test_the_hubs_token_in_its_file_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n")
    assert redacted(CANARY) == "***"


def test_documents_are_redacted_through_and_through() -> None:
    document = {"https://u:p@h": [1, None, ("https://u:p@h/x",), {"a": "https://u:p@h"}]}
    assert redacted_values(document) == {"https://***@h": [1, None, ["https://***@h/x"], {"a": "https://***@h"}]}


def test_an_address_that_is_stored_still_leads_there() -> None:
    assert without_credentials("https://user:pw@hub.example:8080/org/model") == "https://hub.example:8080/org/model"


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)
