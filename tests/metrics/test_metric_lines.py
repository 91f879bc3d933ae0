"""What is read from one line of output, and what is not."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.metrics.lines import LineParser, clean
from luthier.metrics.objects import read_json

READ = {
    "val_acc: 0.91": [("val_acc", 0.91, None)],
    "loss=0.3 step=12": [("loss", 0.3, 12)],
    "epoch 3: loss=0.2, acc=0.9": [("loss", 0.2, 3), ("acc", 0.9, 3)],
    "epoch: 3 loss: 0.2": [("loss", 0.2, 3)],
    "Epoch 3/10 loss: 0.2": [("loss", 0.2, 3)],
    "Epoch [3/10], Step [100/600], Loss: 0.5": [("Loss", 0.5, 100)],
    "iter 100, loss: .5": [("loss", 0.5, 100)],
    "fold 2: accuracy = 0.9": [("accuracy", 0.9, 2)],
    "[12]\ttrain-rmse:0.30\teval-rmse:0.41": [("train-rmse", 0.3, 12), ("eval-rmse", 0.41, 12)],
    "[12]\tvalid_0's l2: 0.24": [("l2", 0.24, 12)],
    "0:\tlearn: 0.68\ttotal: 10ms": [("learn", 0.68, 0)],
    '{"step":3,"loss":0.2}': [("loss", 0.2, 3)],
    '{"epoch": 3, "val": {"acc": 0.5, "curve": [1, 2]}, "note": "x"}': [("val/acc", 0.5, 3)],
    "{'loss': 0.3, 'learning_rate': 5e-05, 'epoch': 1.5}": [("loss", 0.3, 1.5), ("learning_rate", 5e-5, 1.5)],
    "{'loss': np.float64(0.25), 'acc': tensor(0.5)}": [("loss", 0.25, None), ("acc", 0.5, None)],
    "INFO:root:loss=0.3 step=12": [("loss", 0.3, 12)],
    "2024-01-01 12:30:45,123 INFO loss: 0.3": [("loss", 0.3, None)],
    "acc: 91.3%": [("acc", 91.3, None)],
    "acc = 91.3 %": [("acc", 91.3, None)],
    "loss=1e-4 lr=5.e+3 x=-.5": [("loss", 1e-4, None), ("lr", 5000.0, None), ("x", -0.5, None)],
    "loss: nan acc: -inf best=Infinity": [
        ("loss", math.nan, None),
        ("acc", -math.inf, None),
        ("best", math.inf, None),
    ],
    "train loss: 0.3, val loss: 0.5": [("train_loss", 0.3, None), ("val_loss", 0.5, None)],
    "keras/val_acc: 0.9": [("keras/val_acc", 0.9, None)],
    "recall@10: 0.4": [("recall@10", 0.4, None)],
    "[3]\teval-ndcg@10:0.4\teval-hit@10:45.5": [("eval-ndcg@10", 0.4, 3), ("eval-hit@10", 45.5, 3)],
    "loss: 0.3.": [("loss", 0.3, None)],
    "loss: 0.3±0.01": [("loss", 0.3, None)],
    "Epoch 1:  45%|██ | 9/20 [00:01<00:01, 8.9it/s, loss=0.3]": [("loss", 0.3, 1)],
    "\x1b[1mloss\x1b[0m: \x1b[32m0.3\x1b[0m": [("loss", 0.3, None)],
    "3/10 loss: 0.2": [("loss", 0.2, 3)],
}
WANTED = {
    "epoch 3 loss 0.41": [("loss", 0.41, 3)],
    "Epoch 3 - loss 0.41": [("loss", 0.41, 3)],
    "step 20 loss 0.509282": [("loss", 0.509282, 20)],
    "epoch 3 | loss 0.3 | ppl 12": [("loss", 0.3, 3)],
    "epoch 3 loss 0.41 lr=0.1": [("lr", 0.1, 3), ("loss", 0.41, 3)],
    "loss 2 val loss 3": [("loss", 2, None), ("val_loss", 3, None)],
    "loss 2": [("loss", 2, None)],
    "loss 2 (best loss 1)": [("loss", 2, None)],
    "loss 2, acc 3": [("loss", 2, None)],
    "loss 0.3 at step 12": [("loss", 0.3, 12)],
    "val_loss 91.3 %": [("val_loss", 91.3, None)],
    "loss nan": [("loss", math.nan, None)],
    "loss -1.5e-3.": [("loss", -1.5e-3, None)],
    "loss: 0.5 (loss 0.4 before)": [("loss", 0.5, None)],
    '{"loss": 0.5, "said": "loss 0.4"}': [("loss", 0.5, None)],
}
NOT_WANTED = """
loss 3 times
loss 3 of 5
loss 3 in 5 s
loss 12:30
loss 3/10
loss 1,234
loss 0.3x
loss 2024-01-01
loss nano
loss the 3
--loss 0.3
a.loss 0.3
closs 0.3
losses 0.3
train loss 0.3
loss_2 0.3
loss -- 0.3
accuracy 0.3
loss 3 times 5
loss
""".strip().split("\n")
NOT_READ = """
12:30:45
2024-01-01T12:30:45.123 starting
time=12:30:45
[2024-01-01 12:30:45,123] INFO: running on cuda:0
Using device: cuda:0
http://localhost:8080/a?x=1&y=2
Listening on localhost:8080
Python: 3.11.7
samples: 1,234
train.py:12
W0000 00:00:1700000000.123 12345 cuda_dnn.cc:8310] gone
python train.py --lr=0.1 -x=3
torch==2.1.0 numpy>=1.2 lr<=3
/data/loss=0.3/x
mem=3.2GB time: 12s rate: 0x1f id: 123e4567-e89b
ip: 10.0.0.1 date: 2024-01-01
x=1_000
loss: 0.3e
loss: nano inform: infinite
no numbers here: none
Epoch 3/10
==== : ====
""".strip().split("\n")


def readings(line: str, parser: LineParser | None = None) -> list[tuple[str, float, float | None]]:
    return [tuple(reading) for reading in (parser or LineParser()).parse(line)]


@pytest.mark.parametrize("line", READ)
def test_a_metric_is_read(line: str) -> None:
    assert repr(readings(line)) == repr(
        [(m, float(v), s if s is None else float(s)) for m, v, s in READ[line]]
    )


@pytest.mark.parametrize("line", NOT_READ)
def test_noise_is_no_metric(line: str) -> None:
    assert readings(line) == []


def wanting(line: str) -> list[tuple[str, float, float | None]]:
    return readings(line, LineParser((), {"loss", "val_loss", "epoch", "odd one"}))


@pytest.mark.parametrize("line", WANTED)
def test_a_metric_that_the_search_needs_is_read_without_a_sign(line: str) -> None:
    assert repr(wanting(line)) == repr(
        [(m, float(v), s if s is None else float(s)) for m, v, s in WANTED[line]]
    )


@pytest.mark.parametrize("line", NOT_WANTED)
def test_what_only_looks_like_a_needed_metric_is_none(line: str) -> None:
    assert wanting(line) == []


@pytest.mark.parametrize("line", [*READ, *NOT_READ])
def test_what_has_a_sign_is_read_the_same_whatever_is_needed(line: str) -> None:
    names = {name for name, *_ in readings(line)}
    assert repr(readings(line, LineParser((), {"lr", "acc", *names}))) == repr(readings(line))


def test_a_program_that_writes_a_sign_is_taken_by_that_alone() -> None:
    parser = LineParser((), ["loss"])
    lines = ["loss 0.5", "loss: 0.4", "loss 0.3"]
    assert [reading.value for line in lines for reading in parser.parse(line)] == [0.5, 0.4]


def test_the_count_of_a_qualified_epoch_is_the_step() -> None:
    line = "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.300966"
    assert readings(line) == [("Loss", 2.300966, 1.0)]


def test_the_step_of_a_header_lasts_until_the_next() -> None:
    parser = LineParser()
    found = [readings(line, parser) for line in ("loss: 1", "Epoch 1/2", "loss: 0.5", "EPOCH 2", "loss: 0.4")]
    assert found == [[("loss", 1.0, None)], [], [("loss", 0.5, 1.0)], [], [("loss", 0.4, 2.0)]]


def test_keras_counts_only_whole_epochs() -> None:
    parser = LineParser()
    lines = [
        "Epoch 1/2",
        "1/5 ━━━━━━━━━━━━━━━━━━━━ 1s 300ms/step - loss: 2.3",
        "5/5 ━━━━━━━━━━━━━━━━━━━━ 1s 20ms/step - loss: 0.9 - val_acc: 0.8",
        "Epoch 2/2",
        "5/5 - 1s - loss: 0.3 - val_acc: 0.9",
    ]
    found = [reading for line in lines for reading in readings(line, parser)]
    assert found == [("loss", 0.9, 1), ("val_acc", 0.8, 1), ("loss", 0.3, 2), ("val_acc", 0.9, 2)]


names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: name.lower() not in ("global_step", "step", "iteration", "iter", "epoch", "round", "fold")
)
numbers = st.floats(allow_nan=False)


@given(
    names,
    numbers,
    st.sampled_from([": ", "=", " = ", ":\t"]),
    st.sampled_from(["", ", done", " |", ")", "%"]),
)
def test_what_python_prints_is_read_back(name: str, value: float, separator: str, after: str) -> None:
    assert readings(f"{name}{separator}{value!r}{after}") == [(name, value, None)]


@given(names, st.integers(0, 10**9), numbers)
def test_json_lines_are_read_back(name: str, step: int, value: float) -> None:
    assert readings(json.dumps({"step": step, name: value})) == [(name, value, step)]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    for reading in LineParser().parse(text):
        assert reading.metric and isinstance(reading.value, float)
        assert reading.step is None or math.isfinite(reading.step)


@given(st.text(alphabet="loss:=0.3e-nai \t'\"{}[]/%,step\x1b[m", max_size=80))
def test_nothing_nearly_a_metric_breaks_it(text: str) -> None:
    for reading in LineParser().parse(text):
        assert reading.metric and isinstance(reading.value, float)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a: ",
        "- ",
        "loss: ",
        "1",
        "a=1",
        " ",
        "epoch ",
        "[0",
        "a=1 ",
        "\x1b[",
        "\x1b]",
        "'",
        "a.",
        "train ",
        "loss ",
        "loss 3 ",
        "loss 3 a ",
        "train a ",
        "a 3",
    ],
)
def test_a_line_of_a_megabyte_is_read(unit: str) -> None:
    line = unit * (1_000_000 // len(unit))
    LineParser((), ["loss", "a", "train_a"]).parse(line)  # a quadratic expression would take hours


def test_escapes_are_taken_off() -> None:
    assert clean("\x1b]0;title\x07a\x1b[31;1mb\x1b[K\x08c\x1b(") == "abc\x1b("


@pytest.mark.parametrize("text", ["[1]", "3", "{", "nan", "{]", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_no_object_is_none(text: str) -> None:
    assert read_json(text) is None
