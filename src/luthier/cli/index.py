"""The list of all commands, and the page that shows it.

It is read by the bare `luthier --help`, which must cost no more than Python itself, and by the click group in `app.py`;
so it imports nothing.
"""

from __future__ import annotations

__all__ = ["COMMANDS", "GROUPS", "top_help"]

GROUPS = {
    "search": "Search",
    "look": "Look",
    "steer": "Steer",
    "serve": "For your own programs",
    "doors": "As other systems write it",
    "keep": "House",
}
"""The headings of the help page, in its order."""

# name -> (module of luthier.cli that has its `command`, its line in the help, its heading)
COMMANDS = {
    "grid": ("search", "Try every combination of the values you list.", "search"),
    "random": ("search", "Draw values at random, or spread evenly with --sequence sobol.", "search"),
    "bayesian": ("tune", "Learn from every result where to look next, by a Gaussian process.", "search"),
    "tune": ("tune", "Let Luthier choose how to search, and say what it chose.", "search"),
    "run": ("run", "Run the search that a YAML or JSON file describes.", "search"),
    "init": ("init", "Write such a file from the options of your program.", "search"),
    "import": ("import_", "Bring in what Optuna, W&B, Katib, Orion, Guild or a CSV file has.", "search"),
    "check": (
        "check",
        "Run one trial first: what it reports, how long it takes, what all will cost.",
        "search",
    ),
    "resume": ("resume", "Go on with an experiment that was paused, stopped or interrupted.", "search"),
    "worker": ("worker", "Help with an experiment from another process or machine.", "search"),
    "ray": ("ray", "Start and end a Ray on this machine, for searches with --on ray.", "search"),
    "list": ("list", "The experiments of this project.", "look"),
    "workers": ("workers", "Who works at a store, and how they are.", "look"),
    "show": ("show", "The trials of an experiment, or everything about one trial.", "look"),
    "best": ("best", "The best configuration, and the command line that runs it.", "look"),
    "logs": ("logs", "What the trials print, also while they run.", "look"),
    "metrics": ("metrics", "What the trials reported.", "look"),
    "export": ("export", "All trials, or all their points, as CSV, JSON or Parquet.", "look"),
    "explain": ("explain", "Why a trial was tried, and what the search believes.", "look"),
    "importance": ("importance", "How much each parameter matters, and how sure that is.", "look"),
    "plot": ("plot", "Pictures of an experiment: history, slices, contour, curves and more.", "look"),
    "dashboard": ("dashboard", "All of it as a page that moves by itself, in your browser.", "look"),
    "tensorboard": (
        "tensorboard",
        "The trials as runs of TensorBoard, live, with the HParams table.",
        "look",
    ),
    "replay": ("replay", "Make every proposal again from the record, and compare.", "look"),
    "reproduce": ("reproduce", "Run a trial again from the record, and compare its metrics.", "look"),
    "diff": ("diff", "What two trials ran with, and what differs.", "look"),
    "provenance": ("provenance", "Where a trial's result came from: code, data, environment.", "look"),
    "pause": ("pause", "Start nothing new; running trials finish.", "steer"),
    "stop": ("stop", "Start nothing new and end running trials in order; their outputs are kept.", "steer"),
    "kill": ("kill", "Start nothing new and kill running trials at once.", "steer"),
    "retry": ("retry", "Queue finished trials for another attempt.", "steer"),
    "enqueue": ("enqueue", "Add a configuration of your own, to run before the others.", "steer"),
    "ask": ("ask", "Take trials to run in a program of your own, as JSON.", "serve"),
    "tell": ("tell", "Say how a trial that was asked for ended.", "serve"),
    "hyperopt-worker": ("hyperopt_worker", "Evaluate the trials of a hyperopt program.", "serve"),
    "kaos": ("doors.kaos", "kaos's own commands: workspace, template, train deploy, train info.", "doors"),
    "riseml": ("doors.riseml", "RiseML's: train, status, logs, kill, init.", "doors"),
    "gradient": ("doors.gradient", "Gradient's: experiments hyperparameters run, list, details.", "doors"),
    "spell": ("doors.spell", "Spell's: hyper grid, random, bayesian, list, describe; run --param.", "doors"),
    "bundle": ("bundle", "Snapshots of code and data: create, list, show, extract.", "keep"),
    "rm": ("rm", "Remove experiments and their files.", "keep"),
    "gc": ("gc", "Free the disk of checkpoints and outputs no longer needed.", "keep"),
    "store": ("store", "Move experiments between stores: this machine, a PostgreSQL.", "keep"),
    "template": ("template", "Ready projects to begin with.", "keep"),
    "doctor": ("doctor", "Examine this machine and say what to mend.", "keep"),
    "completion": ("completion", "Print the script that completes words in your shell.", "keep"),
    "help": ("help", "Explain a command, or the exit codes (help codes).", "keep"),
}

_HEAD = """\
Usage: luthier [--store FOLDER] COMMAND [ARGS]...

  Tunes any training program: it runs your command with different parameters,
  side by side, and tells you which are best.

  Example: luthier random --param rate=.001:1:log --num-runs 20 \\
             --metric accuracy -- python train.py --rate :rate:
"""

_FOOT = """
Options:
  --store FOLDER  Where the record is kept.  [env: LUTHIER_STORE; default: .luthier]
  --no-color      Print without colours, as NO_COLOR does.
  --version       Show the version and exit.
  -h, --help      Show this page and exit.

An ID is an experiment (144) or one of its trials (144.7); left out, it is the
newest experiment. Most commands take --json. More: luthier help COMMAND
"""


def top_help() -> str:
    """The page `luthier --help` prints."""
    lines = [_HEAD]
    for group, heading in GROUPS.items():
        lines.append(f"\n{heading}:\n")
        lines += [f"  {name:<15} {line}\n" for name, (_, line, where) in COMMANDS.items() if where == group]
    return "".join(lines) + _FOOT
