-- Statements about what trials report.

-- name: find_metric
-- A metric, and what an attempt has reported of it so far.
SELECT m.name, m.id, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM metric m LEFT JOIN summary s ON s.metric = m.id AND s.trial = :trial AND s.attempt = :attempt
WHERE m.experiment = :experiment AND m.name = :name;

-- name: add_metric
INSERT INTO metric (experiment, name) VALUES (:experiment, :name) ON CONFLICT DO NOTHING;

-- name: add_point
INSERT INTO point (trial, attempt, number, metric, step, value, time)
VALUES (:trial, :attempt, :number, :metric, :step, :value, :time);

-- name: write_summary
-- Puts what an attempt reported of a metric in the place of what was known of it, or of the attempt before.
INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
VALUES (:metric, :trial, :attempt, :count, :last, :last_step, :minimum, :maximum, :total, :numbers)
ON CONFLICT (trial, metric) DO UPDATE SET
    attempt = excluded.attempt, count = excluded.count, last = excluded.last, last_step = excluded.last_step,
    minimum = excluded.minimum, maximum = excluded.maximum, total = excluded.total, numbers = excluded.numbers;
