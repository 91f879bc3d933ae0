-- Statements that move trials. Each UPDATE is its own compare-and-set: its WHERE names the state it expects.
-- Where a row takes its revision from `event`, the verb adds that event next, in the same transaction, and holds the
-- writers' lock. Leases are counted on the server's clock.

-- name: room
-- How many more numbers the budget has, NULL where nothing bounds it; 0 when a person said stop.
SELECT CASE WHEN wish != 'run' THEN 0 WHEN target IS NOT NULL THEN greatest(target - trials, 0) END, wish = 'run', seed, numbers, proposed,
       reserved
FROM experiment WHERE id = :experiment;

-- name: take_numbers
-- Takes numbers for enqueued configurations. They run even when the budget is spent: it grows to hold them.
UPDATE experiment SET numbers = numbers + :n, trials = trials + :n, queued = queued + :n,
                      target = CASE WHEN target IS NOT NULL THEN greatest(target, trials + :n) END
WHERE id = :experiment
RETURNING numbers - :n + 1, seed, target;

-- name: add_reserved
WITH taken AS (UPDATE newest SET trial = trial + cardinality(:number::bigint[])
               RETURNING trial - cardinality(:number::bigint[]) AS before)
INSERT INTO trial (id, experiment, number, state, ordinal, seed, worker, nonce, lease_until, created, revision)
SELECT before + place, r.experiment, r.number, 'reserved', r.ordinal, r.seed, r.worker, r.nonce,
       server_seconds() + r.lease_seconds, r.time, 0
FROM taken, unnest(:experiment::bigint[], :number::bigint[], :ordinal::bigint[], :seed::bigint[], :worker::text[],
                   :nonce::text[], :lease_seconds::double precision[], :time::double precision[])
    WITH ORDINALITY AS r (experiment, number, ordinal, seed, worker, nonce, lease_seconds, time, place);

-- name: take_over_reservations
-- Takes reservations whose holder went away before it proposed anything, lowest numbers first.
UPDATE trial SET worker = :worker, nonce = :nonce, lease_until = server_seconds() + :lease_seconds
WHERE id IN (SELECT id FROM trial
             WHERE experiment = :experiment AND state = 'reserved'
               AND (lease_until < server_seconds() OR worker = :worker)
             ORDER BY number LIMIT :n);

-- name: abandon
-- Ends the leases of a dead worker's reservations.
UPDATE trial SET lease_until = -1 WHERE state = 'reserved' AND worker = :worker;

-- name: holds_any
-- Whether anything is held in a worker's name.
SELECT EXISTS (SELECT 1 FROM trial WHERE state = 'reserved' AND worker = :worker)
    OR EXISTS (SELECT 1 FROM trial WHERE state = 'running' AND worker = :worker);

-- name: propose
UPDATE trial
SET state = 'queued', configuration = r.configuration, proposal = r.proposal, revision = r.revision,
    worker = NULL, nonce = NULL, lease_until = NULL
FROM unnest(:experiment::bigint[], :number::bigint[], :nonce::text[], :configuration::text[], :proposal::text[],
            :revision::bigint[]) AS r (experiment, number, nonce, configuration, proposal, revision)
WHERE trial.experiment = r.experiment AND trial.number = r.number AND state = 'reserved' AND trial.nonce = r.nonce;

-- name: count_released
-- The budget keeps no place for a point that does not exist. Numbers are handed out again only from the end, so that
-- none is ever handed out twice while another batch holds later ones.
UPDATE experiment
SET reserved = reserved - :n, trials = trials - :n,
    target = :target::bigint,
    numbers = (SELECT coalesce(max(number), 0) FROM trial WHERE experiment = :experiment),
    proposed = coalesce((SELECT ordinal FROM trial WHERE experiment = :experiment AND ordinal IS NOT NULL
                         ORDER BY number DESC LIMIT 1), 0)
WHERE id = :experiment;

-- name: add_enqueued
WITH taken AS (UPDATE newest SET trial = trial + cardinality(:number::bigint[])
               RETURNING trial - cardinality(:number::bigint[]) AS before)
INSERT INTO trial (id, experiment, number, state, priority, seed, configuration, proposal, created, revision)
SELECT before + place, r.experiment, r.number, 'queued', 1, r.seed, r.configuration, r.proposal, r.time, r.revision
FROM taken, unnest(:experiment::bigint[], :number::bigint[], :seed::bigint[], :configuration::text[], :proposal::text[],
                   :time::double precision[], :revision::bigint[])
    WITH ORDINALITY AS r (experiment, number, seed, configuration, proposal, time, revision, place);

-- name: claimable
-- How many more may run: nothing when a person said stop, never more than the target leaves. And whether the nonce was heard.
SELECT CASE WHEN wish != 'run' THEN 0 WHEN target IS NULL THEN queued
            ELSE least(queued, target - finished - running - waiting) END,
       EXISTS (SELECT 1 FROM heard WHERE nonce = :nonce)
FROM experiment WHERE id = :experiment;

-- name: claim
-- Begins the next attempt of the first trial in the queue.
UPDATE trial
SET state = 'running', attempt = attempt + 1, worker = :worker, nonce = :nonce,
    lease_until = server_seconds() + :lease_seconds, began = coalesce(began, :time),
    revision = (SELECT max(revision) + 1 FROM event)
WHERE id = (SELECT id FROM trial WHERE experiment = :experiment AND state = 'queued'
            ORDER BY priority DESC, number LIMIT 1 FOR UPDATE)
RETURNING id, number, attempt, configuration, seed, ordinal, stage, revision;

-- name: note_provenance
INSERT INTO ran_with (experiment, worker, since, provenance) VALUES (:experiment, :worker, :since, :digest)
ON CONFLICT (experiment, md5(worker), since) DO UPDATE SET provenance = excluded.provenance;

-- name: renew
-- Waits for nobody but who is ending the very attempt, and makes nobody wait.
UPDATE trial SET lease_until = server_seconds() + r.lease_seconds
FROM unnest(:experiment::bigint[], :number::bigint[], :attempt::bigint[], :worker::text[],
            :lease_seconds::double precision[]) AS r (experiment, number, attempt, worker, lease_seconds)
WHERE trial.experiment = r.experiment AND trial.number = r.number AND trial.attempt = r.attempt AND state = 'running'
  AND trial.worker = r.worker
RETURNING trial.experiment, trial.number, trial.attempt;

-- name: adopt
UPDATE trial SET worker = :worker, lease_until = server_seconds() + :lease_seconds,
                 revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
  AND worker = :from_worker;

-- name: held
-- The attempts that are running, whoever holds them, and whether the lease ran out.
SELECT number, attempt, worker, lease_until < server_seconds() AS lapsed FROM trial
WHERE experiment = :experiment AND state = 'running' ORDER BY number;

-- name: lapsed
-- Those of them that count as nobody's any more: few, however many run. The time is asked once, so that trial_leases serves.
SELECT number, attempt, worker FROM trial
WHERE experiment = :experiment AND state = 'running' AND lease_until < (SELECT server_seconds()) ORDER BY lease_until;

-- name: finish
-- Ends the attempt that holds a trial.
UPDATE trial
SET state = 'finished', worker = NULL, nonce = NULL, lease_until = NULL, outcome = :outcome,
    reason = :reason, value = :value::double precision, exit_code = :exit_code, signal = :signal, seconds = :seconds,
    cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes, aims = :aims, ended = :time,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: return
-- As `finish`, but the trial goes back to the queue.
UPDATE trial
SET state = 'queued', worker = NULL, nonce = NULL, lease_until = NULL,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: pause
-- As `finish`, but the trial waits for its next stage. It has no outcome of its own, so it is in no list of the best.
UPDATE trial
SET state = 'waiting', worker = NULL, nonce = NULL, lease_until = NULL, reason = :reason, value = :value::double precision,
    exit_code = :exit_code, signal = :signal, seconds = :seconds, cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes,
    aims = :aims, revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND attempt = :attempt AND state = 'running'
RETURNING id, stage, revision;

-- name: close_attempt
UPDATE attempt
SET ended = :time, outcome = :outcome, reason = :reason, value = :value::double precision, exit_code = :exit_code, signal = :signal,
    seconds = :seconds, cpu_seconds = :cpu_seconds, peak_bytes = :peak_bytes, aims = :aims
WHERE trial = :trial AND number = :attempt AND ended IS NULL;

-- name: count_ended
UPDATE experiment
SET running = running - 1, finished = finished + :finished::integer, succeeded = succeeded + :succeeded::integer,
    queued = queued + :queued::integer, waiting = waiting + :waiting::integer, changed = :time, revision = :revision
WHERE id = :experiment;

-- name: known_attempt
-- What is known of an attempt: whether it holds its trial, its points, its end. Its row is held until the verb is over, so
-- that it neither ends nor is told anything else meanwhile.
SELECT a.ended IS NULL, a.points, t.id, a.refused, a.outcome, a.reason, a.value,
       a.exit_code, a.signal, a.seconds, a.cpu_seconds, a.peak_bytes, a.aims
FROM trial t JOIN attempt a ON a.trial = t.id AND a.number = :attempt
WHERE t.experiment = :experiment AND t.number = :number
FOR UPDATE OF a;

-- name: refuse
-- Keeps that a kind of write came too late; changes no row when that is known.
UPDATE attempt SET refused = refused || :kind::text || ' '
WHERE trial = :trial AND number = :attempt AND strpos(refused, :kind::text) = 0;

-- name: promote
-- The result is kept with its attempt; the trial has none until the next stage ends.
UPDATE trial
SET state = 'queued', stage = stage + 1, priority = greatest(priority, 1), reason = NULL, value = NULL, exit_code = NULL,
    signal = NULL, seconds = NULL, cpu_seconds = NULL, peak_bytes = NULL, aims = NULL,
    revision = (SELECT max(revision) + 1 FROM event)
WHERE experiment = :experiment AND number = :number AND state = 'waiting'
RETURNING stage;
