"""The names of the files in an attempt's folder, for both sides of the guardian's socket.

It must import nothing: the nursery loads it, and each module costs it a millisecond. What each file means is told
in `folders`, which is where everybody else should look.
"""

STDOUT = "stdout.log"
STDERR = "stderr.log"
METRIC_LINES = "metrics.jsonl"
METRICS = "metrics.json"
OUTCOME = "outcome.json"
GUARDIAN = "guardian.json"
REQUEST = "request.json"
COMMAND = "command.json"
CONTAINER = "container.json"
RAY = "ray.json"
OUTPUTS = "outputs"
CONFIGURATION = "configuration.json"
CHECKPOINT = "checkpoint"
ASKS, SHOULD_STOP = (
    "asks-should-stop",
    "should-stop",
)  # metrics/report.py writes them out: it may import nothing
MARKER = "LUTHIER_ATTEMPT_KEY"
DELETED = "its folder was deleted while it ran"
