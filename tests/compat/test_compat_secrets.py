"""What looks like a secret, for every door that is handed variables: at best too much of it, never too little."""

import pytest

from luthier.compat.secrets import has_user, is_secret, without_user


@pytest.mark.parametrize(
    "name",
    [
        "API_TOKEN",
        "GITHUBTOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "OPENAI_API_KEY",
        "SSHKEYS",
        "KEY2",
        "apiKey",
        "PGPASSWORD",
        "MYSQL_PASSWD",
        "GPG_PASSPHRASE",
        "DB_PASS",
        "PASS_FILE",
        "MYSQL_PWD",
        "GOOGLE_CREDENTIALS",
        "AUTHORIZATION",
        "NPM_AUTH",
    ],
)
def test_a_name_that_may_be_a_keys_is_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["EPOCHS", "TOKENIZERS_PARALLELISM", "AUTHOR", "KEYFRAMES", "BYPASSED", "PWDIR", "PATH"]
)
def test_other_names_are_none(name: str) -> None:
    assert not is_secret(name, "a value")


@pytest.mark.parametrize(
    ("text", "tells", "shown"),
    [
        ("postgres://ann:hunter2@host/db", True, "postgres://host/db"),
        ("--extra https://hunter2@host/simple", True, "--extra https://host/simple"),
        ("x @ https://me:s3c@r3t@host/x", True, "x @ https://host/x"),
        ("ssh://me:s3cr3t@host", True, "ssh://host"),
        ("ssh://git@host", False, "ssh://host"),
        ("https://host/a@b", False, "https://host/a@b"),
        ("https://host?to=a@b", False, None),
        ("ann@host", False, "ann@host"),
    ],
)
def test_a_user_or_token_in_an_address_tells(text: str, tells: bool, shown: str | None) -> None:
    assert has_user(text) is is_secret("PLAIN", text) is tells
    if shown is not None:
        assert without_user(text) == shown
