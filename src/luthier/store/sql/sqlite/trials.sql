-- Statements that move trials. Each UPDATE is its own compare-and-set: its WHERE names the state it expects.
-- Where a row takes its revision from `event`, the verb adds that event next, in the same transaction.

-- name: room
-- How many more numbers the budget has, NULL where nothing bounds it; 0 when a person said stop.
SELECT CASE WHEN wish = 'run' THEN max(target - trials, 0) ELSE 0 END, wish = 'run', seed, numbers, proposed,
       reserved
FROM experiment WHERE id = :experiment;

-- name: take_numbers
-- Takes numbers for enqueued configurations. They run even when the budget is spent: it grows to hold them.
UPDATE experiment SET numbers = numbers + :n, trials = trials + :n, queued = queued + :n,
                      target = max(target, trials + :n)
WHERE id = :experiment
RETURNING numbers - :n + 1, seed, target;

-- name: add_reserved
INSERT INTO trial (experiment, number, state, ordinal, seed, worker, nonce, lease_until, boot_id, created, revision)
VALUES (:experiment, :number, 'reserved', :ordinal, :seed, :worker, :nonce, :now + :lease_seconds, :boot_id, :time, 0);

-- name: take_over_reservations
-- Takes reservations whose holder went away before it proposed anything, lowest numbers first.
UPDATE trial SET worker = :worker, nonce = :nonce, lease_until = :now + :lease_seconds, boot_id = :boot_id
WHERE id IN (SELECT id FROM trial
             WHERE experiment = :experiment AND state = 'reserved'
               AND (boot_id != :boot_id OR lease_until < :now OR worker = :worker)
             ORDER BY number LIMIT :n);

-- name: abandon
-- Ends the leases of a dead worker's reservations.
UPDATE trial INDEXED BY trial_reserved SET lease_until = -1 WHERE state = 'reserved' AND worker = :worker;

-- name: holds_any
-- Whether anything is held in a worker's name.
SELECT EXISTS (SELECT 1 FROM trial INDEXED BY trial_reserved WHERE state = 'reserved' AND worker = :worker)
    OR EXISTS (SELECT 1 FROM trial INDEXED BY trial_running WHERE state = 'running' AND worker = :worker);

-- name: propose
UPDATE trial
SET state = 'queued', configuration = :configuration, proposal = :proposal, revision = :revision,
    worker = NULL, nonce = NULL, lease_until = NULL, boot_id = NULL
WHERE experiment = :experiment AND number = :number AND state = 'reserved' AND nonce = :nonce;

-- name: count_released
-- The budget keeps no place for a point that does not exist. Numbers are handed out again only from the end, so that
-- none is ever handed out twice while another batch holds later ones.
UPDATE experiment
SET reserved = reserved - :n, trials = trials - :n,
    target = :target,
    numbers = (SELECT coalesce(max(number), 0) FROM trial WHERE experiment = :experiment),
    proposed = coalesce((SELECT ordinal FROM trial WHERE experiment = :experiment AND ordinal IS NOT NULL
                         ORDER BY number DESC LIMIT 1), 0)
WHERE id = :experiment;

-- name: add_enqueued
INSERT INTO trial (experiment, number, state, priority, seed, configuration, proposal, created, revision)
VALUES (:experiment, :number, 'queued', 1, :seed, :configuration, :proposal, :time, :revision);

-- name: claimable
-- How many more may run: nothing when a person said stop, never more than the target leaves. And whether the nonce was heard.
SELECT CASE WHEN wish != 'run' THEN 0 WHEN target IS NULL THEN queued
            ELSE min(queued, target - finished - running - waiting) END,
       EXISTS (SELECT 1 FROM heard WHERE nonce = :nonce)
FROM experiment WHERE id = :experiment;

-- name: claim
-- Begins the next attempt of the first trial in the queue.
UPDATE trial
SET state = 'running', attempt = attempt + 1, worker = :worker, nonce = :nonce, lease_until = :now + :lease_seconds,
    boot_id = :boot_id, began = coalesce(began, :time), revision = (SELECT max(revision) + 1 FROM event)
WHERE id = (SELECT id FROM trial WHERE experiment = :experiment AND state = 'queued'
            ORDER BY priority DESC, number LIMIT 1)
  AND state = 'queued'
RETURNING id, number, attempt, configuration, seed, ordinal, stage, revision;

-- name: note_provenance
INSERT INTO ran_with (experiment, worker, since, provenance) VALUES (:experiment, :worker, :since, :digest)
ON CONFLICT DO UPDATE SET provenance = excluded.provenance;

-- name: renew
UPDATE trial SET lease_until = :now + :lease_seconds, boot_id = :boot_id
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running' AND worker = :worker
RETURNING experiment, number, attempt;

-- name: adopt
UPDATE trial SET worker = :worker, lease_until = :now + :lease_seconds, boot_id = :boot_id,
                 revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
  AND worker = :from_worker;

-- name: held
-- The attempts that are running, whoever holds them; `lapsed` is 1 where the lease ran out or another boot wrote it.
SELECT number, attempt, worker, boot_id != :boot_id OR lease_until < :now AS lapsed FROM trial
WHERE experiment = :experiment AND state = 'running' ORDER BY number;

-- name: lapsed
-- Those of them that count as nobody's any more. Who shares a file are few: an index of leases, as PostgreSQL has it, would
-- cost every claim and every end more than it saves here.
SELECT number, attempt, worker FROM trial
WHERE experiment = :experiment AND state = 'running' AND (boot_id != :boot_id OR lease_until < :now);

-- name: finish
-- Ends the attempt that holds a trial.
UPDATE trial
SET state = 'finished', worker = NULL, nonce = NULL, lease_until = NULL, boot_id = NULL, outcome = :outcome,
    reason = :reason, value = :value, exit_code = :exit_code, signal = :signal, seconds = :seconds,
    cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes, aims = :aims, ended = :time,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: return
-- As `finish`, but the trial goes back to the queue.
UPDATE trial
SET state = 'queued', worker = NULL, nonce = NULL, lease_until = NULL, boot_id = NULL,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: pause
-- As `finish`, but the trial waits for its next stage. It has no outcome of its own, so it is in no list of the best.
UPDATE trial
SET state = 'waiting', worker = NULL, nonce = NULL, lease_until = NULL, boot_id = NULL, reason = :reason, value = :value,
    exit_code = :exit_code, signal = :signal, seconds = :seconds, cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes,
    aims = :aims, revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: close_attempt
UPDATE attempt
SET ended = :time, outcome = :outcome, reason = :reason, value = :value, exit_code = :exit_code, signal = :signal,
    seconds = :seconds, cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes, aims = :aims
WHERE trial = :trial AND number = :attempt AND ended IS NULL;

-- name: count_ended
UPDATE experiment
SET running = running - 1, finished = finished + :finished, succeeded = succeeded + :succeeded,
    queued = queued + :queued, waiting = waiting + :waiting, changed = :time, revision = :revision
WHERE id = :experiment;

-- name: known_attempt
-- What is known of an attempt: whether it holds its trial, its points, its end.
SELECT t.state = 'running' AND t.attempt = a.number, a.points, t.id, a.refused, a.outcome, a.reason, a.value,
       a.exit_code, a.signal, a.seconds, a.cpu_seconds, a.peak_bytes, a.aims
FROM trial t JOIN attempt a ON a.trial = t.id AND a.number = :attempt
WHERE t.experiment = :experiment AND t.number = :number;

-- name: refuse
-- Keeps that a kind of write came too late; changes no row when that is known.
UPDATE attempt SET refused = refused || :kind || ' '
WHERE trial = :trial AND number = :attempt AND instr(refused, :kind) = 0;

-- name: promote
-- The result is kept with its attempt; the trial has none until the next stage ends.
UPDATE trial
SET state = 'queued', stage = stage + 1, priority = max(priority, 1), reason = NULL, value = NULL, exit_code = NULL,
    signal = NULL, seconds = NULL, cpu_seconds = NULL, peak_bytes = NULL, aims = NULL,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND state = 'waiting'
RETURNING stage;
