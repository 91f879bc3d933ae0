"""Files of `luthier run` as hypothesis makes them: whole searches, and files of people in a hurry or of ill will."""

from __future__ import annotations

import json
import random

from hypothesis import strategies as st

FULL = """\
# yaml-language-server: $schema=luthier.schema.json
name: digits
command: [sh, train.sh, "--rate={{rate}}", "--layers=:layers:", "{{cell}}"]
directory: .
from_env: true
parameters:
  rate: {min: 1e-5, max: 1e-1, scaling: log}
  layers: {range: {min: 2, max: 10, step: 2}}
  cell: [gru, lstm, .50, 1e-6, '007', true, ~]
  size: {values: [small, large], ordered: true}
  momentum: {min: 0, max: 0.99, when: {cell: gru}}
  noise: {distribution: normal, mean: 0, deviation: 1, q: 0.5}
  fixed: {value: 3}
  other: .001:1.0:log
objective:
  - minimize loss
  - {maximize: accuracy, aggregate: max}
constraints: [memory <= 4e9, {metric: latency, max: 3}]
algorithm: {name: tpe, startup: 7}
warm_start: [3, 1]
try:
  - {rate: 0.01, cell: gru}
trials: 50
parallel: 2
seed: 7
early_stopping: {rule: asha, eta: 3}
stop_conditions: ["loss > 5:3", accuracy < .1]
goal: {target: 0.1, max_time: 2h, no_progress: 30}
resources: {cpus: 2, gpus: 0.5, memory: 4G, image: "python:3.11", install: [pip install x], mounts: ["/a:/b:ro"], strict: false}
limits: {timeout: 2h, idle_timeout: 5m, grace: 3s, attempts: 2, retry: 1, on_driver_loss: stop}
environment:
  RATE: "{{rate}}"
  WHERE: ${LUTHIER_OUTPUT_DIR}
files:
  config.json: '{"rate": {{rate|json}}}'
  deep/params.yaml: |
    rate: {{rate|yaml}}
    size: {{size|yaml}}
metrics: {patterns: ["acc=([0-9.]+)"], tensorboard: runs}
labels: {team: vision, ticket: 12}
on_finish: echo done
snapshot: all
reuse: true
check: false
"""
"""Every key of a file, each in use."""

STAGED = """\
command: python train.py --epochs {{epochs}} --rate {{rate}}
parameters:
  rate: [0.1, 0.01]
objective: minimize loss (min)
algorithm: random
budget: {name: epochs, min: 1, max: 27, eta: 3}
"""

RISEML = """\
project: ai-toaster
train:
  framework: tensorflow
  tensorflow: {version: 1.2.0, tensorboard: true, distributed: false}
  resources:
    cpus: 2
    mem: 4096
    gpus: 2
  parameters:
    lr: [0.0001, 0.001]
    lr-decay:
      - 1e-6
      - 1e-7
    epochs: {range: {min: 10, max: 30, step: 10}}
  concurrency: 2
  image:
    name: nvidia/cuda:8.0-cudnn7-runtime
    install: [apt-get update, "pip install x"]
  install:
    - pip install y
  run: >-
    python train_model.py --num-layers {{lr}}
                          --learning-rate {{lr-decay}}
"""
"""The same for RiseML's door."""

KAOS = '{"degree": [3, 5], "rate": [0.1, 1e-6, "a"],\n "x": [true, null, "é"]}'
"""The same for kaos's."""

WORDS = [
    "a", "rate", "min", "max", "1", "-1", "1e999", "0x1f", "true", "null", "~", ".nan", "''", "[]", "{}", "[", "]", "{", "}",
    ":", ": ", "- ", "#", "&x ", "*x", "!!str ", "!x ", "<<: ", "|\n", ">-\n", "\n", "\n  ", "\t", "'", '"', "%", "@", "`",
    "---\n", "...\n", "? ", ",", "{{rate}}", "{{nope}}", ":rate:", "minimize loss", "minimize", "asha:eta=0", "loss >",
    "epochs=1:81:0.1", "\x00", "\ufeff", "\ud7ff", "😀", "\x85", "\\", "9" * 400, "command", "parameters", "algorithm",
    "when: {rate: 1}", "normal(0,1)", "1:2:log", "0:1:log", "2h", "-2h", "4G", "[[[[", "inf", "1_000", "=", "values: []",
]  # fmt: skip


def mutated(text: str, seed: int, changes: int) -> str:
    """A file with some of its characters, words and lines changed, doubled, moved or lost."""
    chance = random.Random(seed)
    for _ in range(changes):
        at, to = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
        to = min(to, at + chance.choice((1, 5, 20, 80)))
        match chance.randrange(6):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(WORDS) + text[at:]
            case 2:
                text = text[:at] + chance.choice(WORDS) + text[to:]
            case 3:
                text = text[:to] + text[at:to] + text[to:]
            case 4:
                lines = text.split("\n")
                lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
                text = "\n".join(lines)
            case _:
                lines = text.split("\n")
                line = chance.randrange(len(lines))
                key, colon, _ = lines[line].partition(":")
                lines[line] = f"{key}{colon} {chance.choice(WORDS)}"
                text = "\n".join(lines)
    return text


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(WORDS),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def replaced(tree: object, seed: int, by: object) -> object:
    """A JSON tree with one of its parts replaced."""
    chance = random.Random(seed)
    if not isinstance(tree, (dict, list)) or not tree or chance.random() < 0.2:
        return by
    made = dict(tree) if isinstance(tree, dict) else list(tree)
    key = chance.choice(list(made)) if isinstance(made, dict) else chance.randrange(len(made))
    made[key] = replaced(made[key], chance.randrange(2**30), by)  # type: ignore[index]
    return made


def as_json(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False)
