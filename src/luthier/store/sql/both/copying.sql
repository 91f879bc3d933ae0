-- Statements that read an experiment whole and write it whole, for `copying.py`. Reads are paged by a key.

-- name: copy_experiments
SELECT id, identity, project, name, seed, target, wish, created, changed, revision, numbers, proposed, trials,
       reserved, queued, running, waiting, finished, succeeded
FROM experiment WHERE id = :experiment;

-- name: copy_descriptions
SELECT experiment, text FROM description WHERE experiment = :experiment;

-- name: copy_heard
SELECT nonce, experiment, first, n FROM heard WHERE experiment = :experiment ORDER BY nonce;

-- name: copy_trials
SELECT id, experiment, number, state, priority, ordinal, seed, configuration, proposal, attempt, stage, outcome,
       reason, value, exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision
FROM trial WHERE experiment = :experiment AND number > :after ORDER BY number LIMIT :limit;

-- name: copy_attempts
SELECT a.trial, a.number, a.stage, a.worker, a.began, a.ended, a.command, a.points, a.refused, a.outcome, a.reason,
       a.value, a.exit_code, a.signal, a.seconds, a.cpu_seconds, a.peak_bytes, a.aims
FROM attempt a JOIN trial t ON t.id = a.trial
WHERE t.experiment = :experiment AND t.number > :after AND t.number <= :upto ORDER BY t.number, a.number;

-- name: copy_points
SELECT p.trial, p.attempt, p.number, p.metric, p.step, p.value, p.time
FROM point p JOIN trial t ON t.id = p.trial
WHERE t.experiment = :experiment AND t.number > :after AND t.number <= :upto ORDER BY t.number, p.attempt, p.number;

-- name: copy_summaries
SELECT s.metric, s.trial, s.attempt, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM summary s JOIN trial t ON t.id = s.trial
WHERE t.experiment = :experiment AND t.number > :after AND t.number <= :upto ORDER BY t.number, s.metric;

-- name: copy_metrics
SELECT id, name FROM metric WHERE experiment = :experiment ORDER BY id;

-- name: copy_events
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND revision > :after ORDER BY revision LIMIT :limit;

-- name: copy_provenance
SELECT DISTINCT p.digest, p.text FROM provenance p JOIN ran_with r ON r.provenance = p.digest
WHERE r.experiment = :experiment ORDER BY p.digest;

-- name: copy_ran_with
SELECT experiment, worker, since, provenance FROM ran_with WHERE experiment = :experiment ORDER BY worker, since;
