-- Statements that move trials, which every dialect reads alike. Each UPDATE is its own compare-and-set.

-- name: repeated_reservation
-- What the call with this nonce took and nobody has proposed yet.
SELECT number, ordinal, id, seed FROM trial
WHERE experiment = :experiment AND state = 'reserved' AND nonce = :nonce ORDER BY number;

-- name: take_ordinals
-- Takes numbers and ordinals within the budget; changes no row when it does not hold them.
UPDATE experiment
SET numbers = numbers + :n, proposed = proposed + :n, trials = trials + :n, reserved = reserved + :n
WHERE id = :experiment AND wish = 'run' AND (target IS NULL OR trials + :n <= target);

-- name: count_proposed
UPDATE experiment SET reserved = reserved - :n, queued = queued + :n, changed = :time, revision = :revision
WHERE id = :experiment;

-- name: release
-- Gives reservations back: the space has no further point for them. Nothing was ever stored under their numbers.
DELETE FROM trial WHERE experiment = :experiment AND state = 'reserved' AND nonce = :nonce;

-- name: repeated_claim
-- The attempts the call with this nonce began and that still run: a claim whose reply was lost may be repeated.
SELECT id, number, attempt, configuration, seed, ordinal, stage FROM trial
WHERE experiment = :experiment AND state = 'running' AND nonce = :nonce ORDER BY priority DESC, number;

-- name: add_attempt
INSERT INTO attempt (trial, number, worker, began, stage) VALUES (:trial, :attempt, :worker, :time, :stage);

-- name: count_claimed
UPDATE experiment SET queued = queued - :n, running = running + :n, changed = :time, revision = :revision
WHERE id = :experiment;

-- name: note_command
UPDATE attempt SET command = :command
WHERE trial = (SELECT id FROM trial WHERE experiment = :experiment AND number = :number)
  AND number = :attempt AND ended IS NULL;

-- name: add_provenance
INSERT INTO provenance (digest, text) VALUES (:digest, :text) ON CONFLICT DO NOTHING;

-- name: held_by
-- Whether a worker holds an attempt: an adoption whose reply was lost may be repeated.
SELECT 1 FROM trial
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running' AND worker = :worker;

-- name: cancel
-- A trial that waited keeps what it had reached.
UPDATE trial SET state = 'finished', outcome = :outcome, reason = :reason, ended = :time,
                 revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND state = :state;

-- name: count_cancelled
UPDATE experiment
SET queued = queued - :queued, waiting = waiting - :waiting, finished = finished + 1, succeeded = succeeded + :succeeded,
    changed = :time, revision = :revision
WHERE id = :experiment;

-- name: count_promoted
UPDATE experiment SET waiting = waiting - 1, queued = queued + 1, changed = :time, revision = :revision
WHERE id = :experiment;

-- name: state_of
SELECT state, outcome, attempt FROM trial WHERE experiment = :experiment AND number = :number;

-- name: retry
-- The result is kept with its attempt; the trial has none until the next one ends.
UPDATE trial
SET state = 'queued', priority = 1, outcome = NULL, reason = NULL, value = NULL, exit_code = NULL, signal = NULL,
    seconds = NULL, cpu_seconds = NULL, peak_bytes = NULL, aims = NULL, ended = NULL,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND state = 'finished';

-- name: count_retried
UPDATE experiment
SET finished = finished - 1, succeeded = succeeded - :succeeded, queued = queued + 1, changed = :time,
    revision = :revision
WHERE id = :experiment;
