-- Statements that only read. Views use them over read-only connections. A trial that waits has no outcome of
-- its own; where it may be among the rows, it is shown with that of the attempt that ended.

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

-- name: changed_trials
-- The trials that changed after a revision.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND revision > :since AND state != 'reserved';

-- name: page_by_number
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND state != 'reserved'
ORDER BY number LIMIT nullif(:limit::bigint, -1) OFFSET :offset;

-- name: page_not_well
-- Trials that ended neither well nor because somebody or a rule stopped them.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome IS NOT NULL AND outcome != 'succeeded' AND outcome != 'stopped'
ORDER BY number LIMIT nullif(:limit::bigint, -1) OFFSET :offset;

-- name: page_running
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND state = 'running'
ORDER BY number LIMIT nullif(:limit::bigint, -1) OFFSET :offset;

-- name: best_up
-- The succeeded trials with the largest values; numbers only, ties by number.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome = 'succeeded' AND value IS NOT NULL AND value != 'NaN'
ORDER BY value DESC, number LIMIT nullif(:limit::bigint, -1) OFFSET :offset;

-- name: best_down
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome = 'succeeded' AND value IS NOT NULL AND value != 'NaN'
ORDER BY value, number LIMIT nullif(:limit::bigint, -1) OFFSET :offset;

-- name: read_attempts
SELECT a.number, a.worker, a.began, a.ended, a.command, a.outcome, a.reason, a.value, a.exit_code, a.signal,
       a.seconds, a.cpu_seconds, a.peak_bytes, a.aims, t.seed, a.stage
FROM attempt a JOIN trial t ON t.id = a.trial
WHERE t.experiment = :experiment AND t.number = :number ORDER BY a.number;

-- name: read_spent
-- What the attempts of some trials took together, their numbers as a JSON list, and since when one runs.
SELECT t.number, sum(a.seconds), sum(a.cpu_seconds), max(CASE WHEN a.ended IS NULL THEN a.began END)
FROM json_array_elements_text(:numbers::json) n (value)
JOIN trial t ON t.experiment = :experiment AND t.number = n.value::bigint JOIN attempt a ON a.trial = t.id
GROUP BY t.number;

-- name: count_lost
SELECT count(*) FROM attempt a JOIN trial t ON t.id = a.trial
WHERE t.experiment = :experiment AND t.number = :number AND a.outcome = 'lost';

-- name: read_points
SELECT m.name, p.step, p.value, p.time, p.attempt FROM point p JOIN metric m ON m.id = p.metric
WHERE p.trial = (SELECT id FROM trial WHERE experiment = :experiment AND number = :number)
  AND (:metric::text IS NULL OR m.name = :metric::text) AND (:attempt::bigint IS NULL OR p.attempt = :attempt::bigint)
ORDER BY p.attempt, p.number;

-- name: read_points_from
-- Part of an attempt's points, found by their key, so that a million can be read in pages.
SELECT m.name, p.step, p.value, p.time FROM point p JOIN metric m ON m.id = p.metric
WHERE p.trial = (SELECT id FROM trial WHERE experiment = :experiment AND number = :number)
  AND p.attempt = :attempt AND p.number >= :first
ORDER BY p.number LIMIT nullif(:limit::bigint, -1);

-- name: read_summaries
SELECT t.number, m.name, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM summary s JOIN trial t ON t.id = s.trial JOIN metric m ON m.id = s.metric
WHERE t.experiment = :experiment AND t.number = :number ORDER BY s.metric;

-- name: read_metric_names
SELECT name FROM metric WHERE experiment = :experiment ORDER BY id;

-- name: page_by_metric
-- Trials in the order of one metric: last, min, max or avg, as `how` says. NaN and missing come last.
SELECT t.experiment, t.number, t.id, t.state, t.configuration, t.attempt, t.seed, t.ordinal, t.proposal,
       CASE t.state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = t.id AND a.number = t.attempt)
                    ELSE t.outcome END,
       t.reason, t.value, t.exit_code, t.signal, t.seconds, t.cpu_seconds, t.peak_bytes, t.aims, t.created, t.began,
       t.ended, t.revision, t.worker, t.stage
FROM (
    SELECT trial, score
    FROM (SELECT trial, CASE :how::text WHEN 'last' THEN last WHEN 'min' THEN minimum WHEN 'max' THEN maximum
                                        ELSE total / nullif(numbers, 0) END AS score
          FROM summary
          WHERE metric = (SELECT id FROM metric
                          WHERE experiment = :experiment AND md5(name) = md5(:metric) AND name = :metric)) scores
    ORDER BY score IS NULL OR score = 'NaN', CASE WHEN :down::integer = 1 THEN score ELSE -score END, trial
    LIMIT nullif(:limit::bigint, -1) OFFSET :offset
) s JOIN trial t ON t.id = s.trial
ORDER BY s.score IS NULL OR s.score = 'NaN', CASE WHEN :down::integer = 1 THEN s.score ELSE -s.score END, t.number;

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
