-- Statements that only read, which every dialect reads alike.

-- name: read_trial
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND number = :number;

-- name: read_trials
-- All trials that have a configuration, by number.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND state != 'reserved'
ORDER BY number;

-- name: are_first
-- Whether the first so many trials that have a configuration are just those of these numbers.
SELECT numbers = trials AND NOT EXISTS (SELECT 1 FROM trial t
                                        WHERE t.experiment = experiment.id AND t.state = 'reserved' AND t.number <= :n)
FROM experiment WHERE id = :experiment;

-- name: changed_trials
-- The trials that changed after a revision.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND revision > :since AND state != 'reserved';

-- name: read_plain_trials
-- A page of what the table of trials shows, by number; of every so many'th number.
SELECT number, state,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END,
       stage, attempt, created, began, ended, seconds, worker, reason, configuration, value, aims, revision
FROM trial WHERE experiment = :experiment AND number > :after AND number % :every = 0 AND state != 'reserved'
ORDER BY number LIMIT :limit;

-- name: read_plain_reports
-- What a page of trials reported last of each metric.
SELECT t.number, m.name, s.last, s.last_step
FROM trial t JOIN summary s ON s.trial = t.id JOIN metric m ON m.id = s.metric
WHERE t.experiment = :experiment AND t.number > :after AND t.number <= :until;

-- name: read_attempts
SELECT a.number, a.worker, a.began, a.ended, a.command, a.outcome, a.reason, a.value, a.exit_code, a.signal,
       a.seconds, a.cpu_seconds, a.peak_bytes, a.aims, t.seed, a.stage
FROM attempt a JOIN trial t ON t.id = a.trial
WHERE t.experiment = :experiment AND t.number = :number ORDER BY a.number;

-- name: count_lost
SELECT count(*) FROM attempt a JOIN trial t ON t.id = a.trial
WHERE t.experiment = :experiment AND t.number = :number AND a.outcome = 'lost';

-- name: read_summaries
SELECT t.number, m.name, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM summary s JOIN trial t ON t.id = s.trial JOIN metric m ON m.id = s.metric
WHERE t.experiment = :experiment AND t.number = :number ORDER BY s.metric;

-- name: read_all_summaries
-- Those of all trials of an experiment.
SELECT t.number, m.name, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM trial t JOIN summary s ON s.trial = t.id JOIN metric m ON m.id = s.metric
WHERE t.experiment = :experiment ORDER BY t.number, s.metric;

-- name: read_metric_names
SELECT name FROM metric WHERE experiment = :experiment ORDER BY id;

-- name: count_not_well
SELECT outcome, count(*) FROM trial
WHERE experiment = :experiment AND outcome IS NOT NULL AND outcome != 'succeeded' GROUP BY outcome;

-- name: read_provenance
-- What an attempt ran with: the newest text its worker had noted for when it began, else the worker's first.
SELECT p.text FROM trial t
JOIN attempt a ON a.trial = t.id AND a.number = :attempt
JOIN ran_with r ON r.experiment = t.experiment AND r.worker = a.worker
JOIN provenance p ON p.digest = r.provenance
WHERE t.experiment = :experiment AND t.number = :number
ORDER BY r.since <= a.began DESC, abs(r.since - a.began) LIMIT 1;

-- name: read_sheets
SELECT r.worker, r.since, r.provenance, p.text FROM ran_with r JOIN provenance p ON p.digest = r.provenance
WHERE r.experiment = :experiment ORDER BY r.since, r.worker;
