-- Statements about what trials report.

-- name: find_metric
SELECT id FROM metric WHERE experiment = :experiment AND name = :name;

-- name: add_metric
INSERT INTO metric (experiment, name) VALUES (:experiment, :name) RETURNING id;

-- name: add_point
INSERT INTO point (trial, attempt, number, metric, step, value, time)
VALUES (:trial, :attempt, :number, :metric, :step, :value, :time);

-- name: count_points
UPDATE attempt SET points = :points WHERE trial = :trial AND number = :attempt;

-- name: fold_point
-- Folds one value into its metric's summary. A newer attempt begins the summary anew.
INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
VALUES (:metric, :trial, :attempt, 1, :value, :step, :number_value, :number_value, coalesce(:number_value, 0),
        :number_value IS NOT NULL)
ON CONFLICT (trial, metric) DO UPDATE SET
    count     = CASE WHEN attempt < excluded.attempt THEN 1 ELSE count + 1 END,
    last      = CASE WHEN attempt < excluded.attempt OR excluded.last_step >= last_step THEN excluded.last
                     ELSE last END,
    last_step = CASE WHEN attempt < excluded.attempt THEN excluded.last_step
                     ELSE max(last_step, excluded.last_step) END,
    minimum   = CASE WHEN attempt < excluded.attempt THEN excluded.minimum
                     ELSE min(coalesce(minimum, excluded.minimum), coalesce(excluded.minimum, minimum)) END,
    maximum   = CASE WHEN attempt < excluded.attempt THEN excluded.maximum
                     ELSE max(coalesce(maximum, excluded.maximum), coalesce(excluded.maximum, maximum)) END,
    total     = CASE WHEN attempt < excluded.attempt THEN excluded.total ELSE total + excluded.total END,
    numbers   = CASE WHEN attempt < excluded.attempt THEN excluded.numbers ELSE numbers + excluded.numbers END,
    attempt   = excluded.attempt;
