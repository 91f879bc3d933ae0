-- A finished experiment of :trials trials with :points points each, written in one transaction by `fill.py`.
-- Every twentieth trial failed. `hash` stands for chance: k * 2654435761 modulo 2**32 (Knuth) visits the whole interval.

INSERT INTO trial (experiment, number, state, ordinal, seed, configuration, proposal, attempt, outcome, reason, value,
                   exit_code, seconds, cpu_seconds, peak_bytes, created, began, ended, revision)
WITH RECURSIVE counted(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM counted WHERE k < :trials),
     drawn AS (SELECT k, (k * 2654435761) % 4294967296 / 4294967296.0 AS u, k % 20 != 7 AS well FROM counted)
SELECT :experiment, k, 'finished', k, (k * 2654435761) % 2147483648,
       printf('{"values":{"rate":%.17g,"layers":%d,"optimizer":"%s"}}', u, 1 + k % 8, iif(k % 3, 'adam', 'sgd')),
       '{"by":"random"}', 1, iif(well, 'succeeded', 'failed'),
       iif(well, 'the program ended well', 'the program ended with exit code 1: CUDA error'),
       iif(well, u + 1.0 / max(:points, 1), NULL), 1 - well, 10 * u, 9 * u, 100000000 + k, :time + k, :time + k,
       :time + k + 10 * u, :revision + 2 * k
FROM drawn ORDER BY k;

INSERT INTO attempt (trial, number, worker, began, ended, points, outcome, reason, value, exit_code, seconds, cpu_seconds,
                     peak_bytes)
SELECT id, 1, 'filler', began, ended, :points, outcome, reason, value, exit_code, seconds, cpu_seconds, peak_bytes
FROM trial WHERE experiment = :experiment ORDER BY id;

INSERT INTO metric (experiment, name) VALUES (:experiment, 'loss'), (:experiment, 'accuracy');

INSERT INTO point (trial, attempt, number, metric, step, value, time)
WITH RECURSIVE counted(p) AS (SELECT 0 WHERE :points > 0 UNION ALL SELECT p + 1 FROM counted WHERE p + 1 < :points)
SELECT t.id, 1, p, m.id, p / 2 + 1,
       iif(m.name = 'loss', (t.number * 2654435761) % 4294967296 / 4294967296.0 + 1.0 / (p + 1),
           1 - (t.number * 40503) % 65536 / 65536.0 - 0.5 / (p + 1)),
       t.began + p
FROM trial t CROSS JOIN counted CROSS JOIN metric m
WHERE t.experiment = :experiment AND m.experiment = :experiment
  AND m.name = iif(p % 2, 'accuracy', 'loss')
ORDER BY t.id, p;

INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
SELECT metric, trial, 1, count(*), NULL, max(step), min(value), max(value), sum(value), count(*)
FROM point WHERE trial IN (SELECT id FROM trial WHERE experiment = :experiment) GROUP BY trial, metric;

UPDATE summary
SET last = (SELECT value FROM point p WHERE p.trial = summary.trial AND p.attempt = 1 AND p.metric = summary.metric
            ORDER BY p.number DESC LIMIT 1)
WHERE last IS NULL;

INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT revision - 1, began, :experiment, number, 1, 'claimed', '{"worker":"filler"}'
FROM trial WHERE experiment = :experiment ORDER BY id;

INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT revision, ended, :experiment, number, 1, 'finished', '{"outcome":"' || outcome || '"}'
FROM trial WHERE experiment = :experiment ORDER BY id;

UPDATE experiment
SET target = :trials, numbers = :trials, proposed = :trials, trials = :trials, finished = :trials,
    succeeded = (SELECT count(*) FROM trial WHERE experiment = :experiment AND outcome = 'succeeded'),
    revision = :revision + 2 * :trials, changed = :time + :trials
WHERE id = :experiment;
