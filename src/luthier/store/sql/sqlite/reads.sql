-- Statements that only read. Views use them over read-only connections. A trial that waits has no outcome of
-- its own; where it may be among the rows, it is shown with that of the attempt that ended.

-- name: page_by_number
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal,
       CASE state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = trial.id AND a.number = trial.attempt)
                  ELSE outcome END, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND state != 'reserved' AND number > :skip
ORDER BY number LIMIT :limit OFFSET :offset;

-- name: page_not_well
-- Trials that ended neither well nor because somebody or a rule stopped them.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome IS NOT NULL AND outcome != 'succeeded' AND outcome != 'stopped'
ORDER BY number LIMIT :limit OFFSET :offset;

-- name: page_running
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial WHERE experiment = :experiment AND state = 'running'
ORDER BY number LIMIT :limit OFFSET :offset;

-- name: best_up
-- The succeeded trials with the largest values; numbers only, ties by number.
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome = 'succeeded' AND value IS NOT NULL AND value < 'a'
ORDER BY value DESC, number LIMIT :limit OFFSET :offset;

-- name: best_down
SELECT experiment, number, id, state, configuration, attempt, seed, ordinal, proposal, outcome, reason, value,
       exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, stage
FROM trial
WHERE experiment = :experiment AND outcome = 'succeeded' AND value IS NOT NULL AND value < 'a'
ORDER BY value, number LIMIT :limit OFFSET :offset;

-- name: read_spent
-- What the attempts of some trials took together, their numbers as a JSON list, and since when one runs.
SELECT t.number, sum(a.seconds), sum(a.cpu_seconds), max(CASE WHEN a.ended IS NULL THEN a.began END)
FROM json_each(:numbers) n
CROSS JOIN trial t ON t.experiment = :experiment AND t.number = n.value JOIN attempt a ON a.trial = t.id
GROUP BY t.number;

-- name: read_summaries_of
-- What some trials reported of each metric, their numbers as a JSON list. CROSS keeps SQLite from looking at all trials and
-- searching the list for each.
SELECT t.number, m.name, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM json_each(:numbers) n
CROSS JOIN trial t ON t.experiment = :experiment AND t.number = n.value
JOIN summary s ON s.trial = t.id JOIN metric m ON m.id = s.metric ORDER BY t.number, s.metric;

-- name: read_points
SELECT m.name, p.step, p.value, p.time, p.attempt FROM point p JOIN metric m ON m.id = p.metric
WHERE p.trial = (SELECT id FROM trial WHERE experiment = :experiment AND number = :number)
  AND (:metric IS NULL OR m.name = :metric) AND (:attempt IS NULL OR p.attempt = :attempt)
ORDER BY p.attempt, p.number;

-- name: read_points_from
-- Part of an attempt's points, found by their key, so that a million can be read in pages.
SELECT m.name, p.step, p.value, p.time FROM point p JOIN metric m ON m.id = p.metric
WHERE p.trial = (SELECT id FROM trial WHERE experiment = :experiment AND number = :number)
  AND p.attempt = :attempt AND p.number >= :first
ORDER BY p.number LIMIT :limit;

-- name: page_by_metric
-- Trials in the order of one metric: last, min, max or avg, as `how` says. NaN and missing come last.
SELECT t.experiment, t.number, t.id, t.state, t.configuration, t.attempt, t.seed, t.ordinal, t.proposal,
       CASE t.state WHEN 'waiting' THEN (SELECT a.outcome FROM attempt a WHERE a.trial = t.id AND a.number = t.attempt)
                    ELSE t.outcome END,
       t.reason, t.value, t.exit_code, t.signal, t.seconds, t.cpu_seconds, t.peak_bytes, t.aims, t.created, t.began,
       t.ended, t.revision, t.worker, t.stage
FROM (
    SELECT trial, CASE :how WHEN 'last' THEN last WHEN 'min' THEN minimum WHEN 'max' THEN maximum
                            ELSE total / nullif(numbers, 0) END AS score
    FROM summary WHERE metric = (SELECT id FROM metric WHERE experiment = :experiment AND name = :metric)
    ORDER BY score IS NULL OR score >= 'a', CASE WHEN :down THEN score ELSE -score END, trial
    LIMIT :limit OFFSET :offset
) s JOIN trial t ON t.id = s.trial
ORDER BY s.score IS NULL OR s.score >= 'a', CASE WHEN :down THEN s.score ELSE -s.score END, t.number;
