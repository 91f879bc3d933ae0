-- Statements about what trials report. Each takes whole columns, so that many rows travel as one message.

-- name: find_metric
-- Metrics, and what an attempt has reported of each so far. The verb holds the attempt's row.
SELECT m.name, m.id, s.count, s.last, s.last_step, s.minimum, s.maximum, s.total, s.numbers
FROM unnest(:experiment::bigint[], :name::text[], :trial::bigint[], :attempt::bigint[]) AS r (experiment, name, trial, attempt)
JOIN metric m ON m.experiment = r.experiment AND md5(m.name) = md5(r.name) AND m.name = r.name
LEFT JOIN summary s ON s.metric = m.id AND s.trial = r.trial AND s.attempt = r.attempt;

-- name: add_metric
INSERT INTO metric (experiment, name)
SELECT r.experiment, r.name
FROM unnest(:experiment::bigint[], :name::text[]) WITH ORDINALITY AS r (experiment, name, place) ORDER BY place
ON CONFLICT DO NOTHING;

-- name: add_point
INSERT INTO point (trial, attempt, number, metric, step, value, time)
SELECT * FROM unnest(:trial::bigint[], :attempt::bigint[], :number::bigint[], :metric::bigint[],
                     :step::double precision[], :value::double precision[], :time::double precision[]);

-- name: write_summary
-- Puts what an attempt reported of a metric in the place of what was known of it, or of the attempt before.
INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
SELECT * FROM unnest(:metric::bigint[], :trial::bigint[], :attempt::bigint[], :count::bigint[],
                     :last::double precision[], :last_step::double precision[], :minimum::double precision[],
                     :maximum::double precision[], :total::double precision[], :numbers::bigint[])
ON CONFLICT (trial, metric) DO UPDATE SET
    attempt = excluded.attempt, count = excluded.count, last = excluded.last, last_step = excluded.last_step,
    minimum = excluded.minimum, maximum = excluded.maximum, total = excluded.total, numbers = excluded.numbers;
