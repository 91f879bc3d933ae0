-- As `fill.sql`, on PostgreSQL: the same rows for the same numbers.

CREATE TEMPORARY TABLE drawn ON COMMIT DROP AS
SELECT k, mod(k * 2654435761, 4294967296) / 4294967296.0::double precision AS u, mod(k, 20) != 7 AS well,
       n.trial + k AS id
FROM generate_series(1, %(trials)s::bigint) k, newest n;

UPDATE newest SET trial = trial + %(trials)s;

INSERT INTO trial (id, experiment, number, state, ordinal, seed, configuration, proposal, attempt, outcome, reason, value,
                   exit_code, seconds, cpu_seconds, peak_bytes, created, began, ended, revision)
SELECT id, %(experiment)s, k, 'finished', k, mod(k * 2654435761, 2147483648),
       format('{"values":{"rate":%%s,"layers":%%s,"optimizer":"%%s"}}', u, 1 + mod(k, 8), CASE WHEN mod(k, 3) = 0 THEN 'sgd' ELSE 'adam' END),
       '{"by":"random"}', 1, CASE WHEN well THEN 'succeeded' ELSE 'failed' END,
       CASE WHEN well THEN 'the program ended well' ELSE 'the program ended with exit code 1: CUDA error' END,
       CASE WHEN well THEN u + 1.0 / greatest(%(points)s, 1) END, 1 - well::int, 10 * u, 9 * u, 100000000 + k,
       %(time)s + k, %(time)s + k, %(time)s + k + 10 * u, %(revision)s + 2 * k
FROM drawn ORDER BY k;

INSERT INTO attempt (trial, number, worker, began, ended, points, outcome, reason, value, exit_code, seconds, cpu_seconds,
                     peak_bytes)
SELECT id, 1, 'filler', began, ended, %(points)s, outcome, reason, value, exit_code, seconds, cpu_seconds, peak_bytes
FROM trial WHERE experiment = %(experiment)s ORDER BY id;

INSERT INTO metric (experiment, name) VALUES (%(experiment)s, 'loss'), (%(experiment)s, 'accuracy');

INSERT INTO point (trial, attempt, number, metric, step, value, time)
SELECT d.id, 1, p, m.id, p / 2 + 1, CASE WHEN mod(p, 2) = 0 THEN d.u + 1.0 / (p + 1) ELSE 1 - d.u - 0.5 / (p + 1) END,
       %(time)s + d.k + p
FROM drawn d CROSS JOIN generate_series(0, %(points)s - 1) p
JOIN metric m ON m.experiment = %(experiment)s AND m.name = CASE WHEN mod(p, 2) = 0 THEN 'loss' ELSE 'accuracy' END
ORDER BY d.id, p;

INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
SELECT metric, trial, 1, count(*), (array_agg(value ORDER BY number DESC))[1], max(step), min(value), max(value), sum(value),
       count(*)
FROM point WHERE trial IN (SELECT id FROM drawn) GROUP BY trial, metric;

INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT revision - 1, began, %(experiment)s, number, 1, 'claimed', '{"worker":"filler"}'
FROM trial WHERE experiment = %(experiment)s ORDER BY id;

INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT revision, ended, %(experiment)s, number, 1, 'finished', '{"outcome":"' || outcome || '"}'
FROM trial WHERE experiment = %(experiment)s ORDER BY id;

UPDATE experiment
SET target = %(trials)s, numbers = %(trials)s, proposed = %(trials)s, trials = %(trials)s, finished = %(trials)s,
    succeeded = (SELECT count(*) FROM trial WHERE experiment = %(experiment)s AND outcome = 'succeeded'),
    revision = %(revision)s + 2 * %(trials)s, changed = %(time)s + %(trials)s
WHERE id = %(experiment)s;
