"""Rendering: where placeholders are replaced, what is refused, and that no value ever leaves its word."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.description import Command
from luthier.errors import CommandError
from luthier.run.render import check_command, render


def words(*args: str, **options: Any) -> Command:
    return Command(args, "/", **options)


def shell(text: str, **options: Any) -> Command:
    return Command((text,), "/", shell=True, **options)


TEXTS = {"lr": "1e-6", "depth": ".50"}


@pytest.mark.parametrize(
    ("args", "rendered"),
    [
        (("p", ":lr:", ":depth:"), ("p", "1e-6", ".50")),
        (("p", "{{lr}}", "{{ depth }}"), ("p", "1e-6", ".50")),
        (("p", "--lr=:lr:", "x{{depth}}y:depth:z"), ("p", "--lr=1e-6", "x.50y.50z")),
        (("run-:lr:", "a:lr::depth:b"), ("run-1e-6", "a1e-6.50b")),
        (("p", "{{lr}}{{depth}}", "{ lr }", ":lr"), ("p", "1e-6.50", "{ lr }", ":lr")),
    ],
)
def test_placeholders_are_replaced_wherever_they_stand(
    args: tuple[str, ...], rendered: tuple[str, ...]
) -> None:
    assert render(words(*args), TEXTS, TEXTS) == rendered


def test_a_value_that_looks_like_a_placeholder_stays_what_it_is() -> None:
    texts = {"a": ":b:", "b": "{{a}}"}
    assert render(words("p", ":a:", ":b:{{a}}"), texts, texts) == ("p", ":b:", "{{a}}:b:")


@pytest.mark.parametrize(
    ("args", "rendered"),
    [
        (("p", ":depth:", "x"), ("p", "x")),
        (("p", "--depth", ":depth:", "x"), ("p", "x")),
        (("p", "--depth", "{{ depth }}"), ("p",)),
        (("p", "--depth=:depth:", "depth=:depth:", "x"), ("p", "x")),
        (("p", "-v", "--depth", ":depth:"), ("p", "-v")),
        (("p", "--", ":depth:"), ("p", "--")),
        (("p", "value", ":depth:"), ("p", "value")),
        (("p", "--lr=:lr:", ":depth:"), ("p", "--lr=1")),
        (("p", "d:depth:", "--to=:lr:/:depth:"), ("p", "d", "--to=1/")),
    ],
)
def test_a_parameter_that_is_not_active_takes_its_flag_along(
    args: tuple[str, ...], rendered: tuple[str, ...]
) -> None:
    command = words(*args, from_environment=True)
    assert render(command, {"lr": "1"}, ("lr", "depth")) == rendered


def test_in_a_string_a_parameter_that_is_not_active_is_the_empty_text() -> None:
    assert render(shell("p :lr: --d=:depth:"), {"lr": "1"}, ("lr", "depth")) == ("/bin/sh", "-c", "p 1 --d=")


def test_as_args_appends_what_has_no_placeholder() -> None:
    names = ("lr", "depth", "off")
    assert render(words("p", ":lr:", as_args=True), TEXTS, names) == ("p", "1e-6", "--depth=.50")
    assert render(shell("p :lr:", as_args=True), TEXTS, names)[2] == "p 1e-6 --depth=.50"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (words("p", ":lr:"), "no place for the parameter depth: write :depth: where it should stand"),
        (words("p"), "no place for the parameters lr, depth"),
        (words("p", "{{lr}}", ":depth:", "{{ dept }}"), "no parameter 'dept' (did you mean depth?)"),
        (words("p", "{{Lr}}"), "{{Lr}}"),
        (words("p\0", ":lr:", ":depth:"), "NUL"),
        (words(""), "empty"),
        (words(), "empty"),
        (shell("  "), "empty"),
    ],
)
def test_what_is_wrong_is_named_before_anything_runs(command: Command, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        check_command(command, TEXTS)
    assert said in str(caught.value)


def test_an_unknown_name_between_colons_only_warns() -> None:
    command = words("p", "PYTHONPATH=src:lib:tests", ":lr:", ":depth:", ":dept:")
    warnings = check_command(command, TEXTS)
    assert len(warnings) == 2
    assert ":lib:" in warnings[0]
    assert "did you mean depth" in warnings[1]
    assert render(command, TEXTS, TEXTS)[1] == "PYTHONPATH=src:lib:tests"


def test_two_names_that_share_a_variable_are_warned_about() -> None:
    assert "LUTHIER_PARAM_A_B" in check_command(words("p", ":a-b:", ":a_b:"), ("a-b", "a_b"))[0]


@pytest.mark.parametrize(
    "value", ["a b", "$(x)", "`x`", "a;b", "a|b", "'", '"', "\n", "*", "~", "ü", "#", "\\", "{a}"]
)
def test_a_string_for_the_shell_refuses_what_a_shell_would_read(value: str) -> None:
    with pytest.raises(CommandError, match="give the command as words"):
        render(shell("p :x:"), {"x": value}, ("x",))
    assert render(words("p", ":x:"), {"x": value}, ("x",)) == ("p", value)


def test_a_nul_is_refused_as_words_too() -> None:
    with pytest.raises(CommandError, match="NUL"):
        render(words("p", ":x:"), {"x": "a\0b"}, ("x",))


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True), st.text(), min_size=1, max_size=5
    )
)
def test_each_word_holds_exactly_its_value(texts: dict[str, str]) -> None:
    args = [f"<:{name}:|{{{{ {name} }}}}>" for name in texts]
    command = words("p", *args)
    if any("\0" in text or any("\ud800" <= c <= "\udfff" for c in text) for text in texts.values()):
        return
    assert render(command, texts, texts) == ("p", *[f"<{text}|{text}>" for text in texts.values()])


@given(st.text(alphabet="abzAZ019_.,:/+=@%-", max_size=20))
def test_what_a_string_for_the_shell_lets_pass_is_one_word_to_the_shell(text: str) -> None:
    line = render(shell("p <:x:>".replace("<", "_").replace(">", "_")), {"x": text}, ("x",))[2]
    assert shlex.split(line) == ["p", f"_{text}_"]


HOSTILE = [
    *(
        "",
        " ",
        "\n",
        "\t",
        "a b",
        "$HOME",
        "${IFS}",
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned",
        "| cat",
        "&& x",
    ),
    *(
        "'",
        '"',
        "\\",
        "'\"'\"",
        "\\\n",
        "*",
        "?",
        "[a]",
        "~",
        "!",
        "#",
        "--help",
        "-rf /",
        "-",
        "--",
        "=",
        "a=b",
        "%s%n",
    ),
    *(
        "{{x}}",
        ":x:",
        "{{ y }}",
        "\u202e",
        "\u0000"[:0],
        "é",
        "日本",
        "😀",
        "\x1b[31m",
        "\x7f",
        "\x01",
        "\r\n",
        "../..",
        "/",
    ),
    *(
        "null",
        "true",
        "1e-6",
        ".50",
        "007",
        "NaN",
        "\ufeff",
        "a" * 4000,
        "' OR 1=1 --",
        "<script>",
        "\udcff\udcfe",
    ),
]


def hostile(random_: random.Random) -> str:
    if random_.random() < 0.3:
        return random_.choice(HOSTILE)
    alphabet = "".join(chr(c) for c in range(1, 256)) + "".join(HOSTILE[:40]) + "'\"$`\\;|&<>(){}*? \n" * 4
    return "".join(random_.choice(alphabet) for _ in range(random_.randrange(1, 30)))


def test_five_hundred_hostile_values_and_names_reach_the_program_unchanged(bench: Any) -> None:
    """Each trial passes ten values in ten ways; the program prints its words as JSON."""
    random_ = random.Random(500)
    code = "import json,os,sys; json.dump([sys.argv[1:], os.environ['LUTHIER_PARAMS']], sys.stdout)"
    checked = 0
    for trial in range(1, 51):
        names = [
            f"n{i}{hostile(random_)}".replace("}", "]").replace("{", "[").strip().replace("\0", "")
            for i in range(10)
        ]
        names = [name.replace(":", ";") for name in names]
        texts = {name: hostile(random_) for name in names}
        args = [f"{i}:{name}:" if i % 2 else f"--{i}={{{{{name}}}}}" for i, name in enumerate(names)]
        argv = render(words(sys.executable, "-S", "-X", "utf8", "-c", code, *args), texts, names)
        expected = [f"{i}{texts[n]}" if i % 2 else f"--{i}={texts[n]}" for i, n in enumerate(names)]
        order = bench.order(*argv, trial=trial, LUTHIER_PARAMS=json.dumps(texts))
        bench.runner.start(order)
        assert bench.ended().result.exit_code == 0, Path(order.folder, "stderr.log").read_text()
        said, parameters = json.loads(Path(order.folder, "stdout.log").read_text())
        assert said == expected
        assert json.loads(parameters) == texts
        checked += len(said)
    assert checked == 500
    assert not list(bench.root.rglob("pwned"))


def test_a_string_really_runs_in_a_shell() -> None:
    argv = render(shell("echo :x: | tr a-z A-Z"), {"x": "abc"}, ("x",))
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "ABC\n"
