"""Every key of the file of `luthier run`, with what it is for. `reading.py` and the JSON Schema are made of these."""

from __future__ import annotations

__all__ = [
    "AGGREGATES",
    "BUDGET",
    "CONSTRAINT",
    "DIRECTIONS",
    "ELSEWHERE",
    "FOLDS",
    "GOAL",
    "KEYS",
    "LIMITS",
    "METRICS",
    "OBJECTIVE",
    "RESOURCES",
    "SNAPSHOTS",
]

KEYS = {
    "name": "The experiment's name; the file goes on with the experiment of that name.",
    "command": "The program to tune. A text runs under sh -c, a list of words without a shell. {{name}} and :name: are "
    "replaced by each trial's values.",
    "directory": "Where the command runs, from the folder of this file (default: that folder).",
    "as_args": "Append every parameter without a place in the command as --name=value.",
    "from_env": "The program reads LUTHIER_PARAM_* or LUTHIER_PARAMS itself.",
    "lenient": "A {{x}} that is no parameter stays as it is written, instead of being an error.",
    "parameters": "The parameters to search: by name a list of values, a range or a distribution; or a file of them.",
    "objective": "What to make small or large: 'minimize loss', 'maximize accuracy (max)', or a list of several.",
    "constraints": "What metrics have to keep, such as 'memory <= 4e9': only trials that do count as good.",
    "algorithm": "How the next configuration is chosen (default: auto).",
    "warm_start": "Numbers of earlier experiments whose results to begin from.",
    "try": "Configurations of your own to begin with; what they leave out takes its centre.",
    "trials": "How many trials, in all.",
    "parallel": "How many trials side by side (default: one a core).",
    "seed": "The same seed and record give the same trials (default: 0).",
    "budget": "Begins each trial with a small budget and lets the best 1/eta go on with eta times as much.",
    "folds": "Runs the command once for each of so many folds and averages the metric.",
    "early_stopping": "The rule that ends poor trials early (default: auto with the algorithm auto, else none).",
    "stop_conditions": "Ends a trial as soon as one holds, such as 'val_loss > 5:3'; up to five.",
    "goal": "When the whole search ends before its trials are used up.",
    "resources": "What each trial gets.",
    "limits": "What a trial may take, and what is done when it ends badly.",
    "environment": "Environment variables of the command; {{name}} and ${LUTHIER_OUTPUT_DIR} are filled in.",
    "files": "Files to write into each trial's output folder before it starts, text by path; {{name}}, {{name|json}} and "
    "{{name|yaml}} are filled in.",
    "metrics": "How metrics are found beside what Luthier finds by itself.",
    "labels": "Notes kept with the experiment.",
    "on_finish": "A shell command to run when the search has ended.",
    "snapshot": "What is kept of the code with the experiment: small (default: where it is not large), all or none.",
    "reuse": "Whether a trial identical to a finished one takes its result instead of running (default: false).",
    "check": "Begin three trials at most until one has not failed, and look at the first ones (default: yes; algorithm bayesian: no).",
}

OBJECTIVE = {
    "metric": "The metric's name.",
    "direction": "minimize or maximize.",
    "minimize": "The metric to make small.",
    "maximize": "The metric to make large.",
    "aggregate": "How a trial's values of the metric become one (default: last).",
}
CONSTRAINT = {
    "metric": "The metric's name.",
    "max": "What it may be at most.",
    "min": "What it has to be at least.",
    "aggregate": "How a trial's values of the metric become one (default: last).",
}
BUDGET = {
    "name": "The parameter the command gets a rung's budget as.",
    "min": "The first rung's budget.",
    "max": "The last rung's budget.",
    "eta": "Each rung has eta times the budget of the one before, and the best 1/eta get there (default: 3).",
    "levels": "The budgets of all rungs, instead of min and max.",
}
FOLDS = {
    "count": "How many folds.",
    "name": "The placeholder the command gets the fold as; empty where the environment alone tells it.",
}
GOAL = {
    "target": "End once a trial's objective is this good.",
    "max_time": "End after so long, such as 2h; running trials go back to the queue.",
    "no_progress": "End when so many trials in a row were no better than the best before them.",
}
RESOURCES = {
    "cpus": "Caps each trial's threads (default: a fair share).",
    "gpus": "GPUs of each trial; a fraction shares one.",
    "memory": "Ends a trial that uses more, such as 4G.",
    "image": "The container image to run in.",
    "install": "Commands to run once in the image before the first trial.",
    "mounts": "Folders the container sees: SOURCE:TARGET or SOURCE:TARGET:ro.",
    "strict": "Whether an image that can't be had is an error (default: true).",
}
LIMITS = {
    "timeout": "Ends a trial that runs longer, such as 2h.",
    "idle_timeout": "Ends a trial that is silent for longer.",
    "grace": "How long a trial has between TERM and KILL (default: 10s).",
    "attempts": "Attempts of a trial whose machine or worker is lost (default: 3).",
    "retry": "Further attempts of a trial that fails (default: 0).",
    "on_driver_loss": "What running trials do when Luthier itself is killed: continue (default) or stop.",
}
METRICS = {
    "patterns": "How to find metrics in output lines: NAME=REGEX, or a REGEX with named groups.",
    "tensorboard": "Where the command writes TensorBoard event files, if not in ./runs or ./logs.",
}

SNAPSHOTS = ("small", "all", "none")
AGGREGATES = ("last", "min", "max", "avg")
DIRECTIONS = ("minimize", "maximize")

ELSEWHERE = {
    "num_runs": "trials",
    "runs": "trials",
    "max_trials": "trials",
    "parallel_runs": "parallel",
    "concurrency": "parallel",
    "workers": "parallel",
    "metric": "objective",
    "minimize": "objective: minimize METRIC",
    "maximize": "objective: maximize METRIC",
    "direction": "objective",
    "also": "objective, as a list",
    "params": "parameters",
    "space": "parameters",
    "run": "command",
    "cmd": "command",
    "program": "command",
    "env": "environment",
    "variables": "environment",
    "method": "algorithm",
    "sampler": "algorithm",
    "timeout": "limits: {timeout: …}",
    "idle_timeout": "limits: {idle_timeout: …}",
    "grace": "limits: {grace: …}",
    "max_attempts": "limits: {attempts: …}",
    "retry_failed": "limits: {retry: …}",
    "on_driver_loss": "limits: {on_driver_loss: …}",
    "cpus": "resources: {cpus: …}",
    "gpus": "resources: {gpus: …}",
    "memory": "resources: {memory: …}",
    "image": "resources: {image: …}",
    "install": "resources: {install: …}",
    "mounts": "resources: {mounts: …}",
    "target": "goal: {target: …}",
    "max_time": "goal: {max_time: …}",
    "no_progress": "goal: {no_progress: …}",
    "patterns": "metrics: {patterns: …}",
    "tensorboard_dir": "metrics: {tensorboard: …}",
    "acquisition": "algorithm: {name: bayesian, acquisition: …}",
    "kappa": "algorithm: {name: bayesian, kappa: …}",
    "repeats": "algorithm: {name: …, repeats: true}",
    "tries": "try",
}
"""Where to find what others, and our own options, call differently."""
