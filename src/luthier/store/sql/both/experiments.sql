-- Statements about whole experiments that every dialect reads alike. A dialect's own folder has the others.

-- name: was_heard
-- Whether an earlier call with this nonce took something, and the numbers an enqueue was given.
SELECT first, n FROM heard WHERE nonce = :nonce;

-- name: hear
-- Takes a nonce; changes no row when it was taken before.
INSERT INTO heard (nonce, experiment, first, n) VALUES (:nonce, :experiment, :first, :n) ON CONFLICT DO NOTHING;

-- name: experiment_by_name
SELECT id, identity FROM experiment WHERE project = :project AND name = :name ORDER BY id DESC LIMIT 1;

-- name: last_seed
-- The largest seed among twins, so that a fresh twin can take another.
SELECT max(seed) FROM experiment WHERE identity = :identity;

-- name: describe
INSERT INTO description (experiment, text) VALUES (:experiment, :text)
ON CONFLICT (experiment) DO UPDATE SET text = excluded.text;

-- name: amend_experiment
UPDATE experiment SET name = :name, target = :target, changed = :time, revision = :revision WHERE id = :experiment;

-- name: read_wish
SELECT wish FROM experiment WHERE id = :experiment;

-- name: set_wish
UPDATE experiment SET wish = :wish, changed = :time, revision = :revision
WHERE id = :experiment AND wish != :wish;

-- name: touch_experiment
UPDATE experiment SET changed = :time, revision = :revision WHERE id = :experiment;

-- name: read_experiment
SELECT id, identity, seed, text, target, wish, created, changed, revision,
       proposed, trials, reserved, queued, running, waiting, finished, succeeded
FROM experiment JOIN description ON description.experiment = id WHERE id = :experiment;

-- name: read_experiments
SELECT id, identity, seed, text, target, wish, created, changed, revision,
       proposed, trials, reserved, queued, running, waiting, finished, succeeded
FROM experiment JOIN description ON description.experiment = id ORDER BY id;

-- name: newest_revision
SELECT coalesce(max(revision), 0) FROM event;

-- name: remove_events
-- All but the one that says it was removed.
DELETE FROM event WHERE experiment = :experiment AND revision < :revision;

-- name: remove_heard
DELETE FROM heard WHERE experiment = :experiment;

-- name: remove_points
DELETE FROM point WHERE trial IN (SELECT id FROM trial WHERE experiment = :experiment);

-- name: remove_summaries
DELETE FROM summary WHERE trial IN (SELECT id FROM trial WHERE experiment = :experiment);

-- name: remove_attempts
DELETE FROM attempt WHERE trial IN (SELECT id FROM trial WHERE experiment = :experiment);

-- name: remove_trials
DELETE FROM trial WHERE experiment = :experiment;

-- name: remove_metrics
DELETE FROM metric WHERE experiment = :experiment;

-- name: remove_description
DELETE FROM description WHERE experiment = :experiment;

-- name: remove_ran_with
DELETE FROM ran_with WHERE experiment = :experiment;

-- name: remove_provenance
-- What no experiment refers to any more. Must come after `remove_ran_with`.
DELETE FROM provenance WHERE NOT EXISTS (SELECT 1 FROM ran_with WHERE provenance = digest);

-- name: remove_experiment
-- Compare-and-set: an experiment with running trials stays.
DELETE FROM experiment WHERE id = :experiment AND running = 0;
