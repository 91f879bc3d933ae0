-- Statements about whole experiments. Every statement has a name, and says what it is for.

-- name: add_event
-- Takes the next revision of the record. The writers' lock makes it the one after the last that was committed.
INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT coalesce(max(revision), 0) + 1, :time::double precision, :experiment::bigint, :trial::bigint, :attempt::bigint,
       :kind::text, :detail::text
FROM event
RETURNING revision;

-- name: was_heard
-- Whether an earlier call with this nonce took something, and the numbers an enqueue was given.
SELECT first, n FROM heard WHERE nonce = :nonce;

-- name: hear
-- Takes a nonce; changes no row when it was taken before.
INSERT INTO heard (nonce, experiment, first, n) VALUES (:nonce, :experiment, :first, :n) ON CONFLICT DO NOTHING;

-- name: newest_twin
-- The newest experiment that is the same search; with a seed, only one with that seed; with a name, only one that
-- bears it or none.
SELECT id FROM experiment
WHERE identity = :identity AND (:seed::bigint IS NULL OR seed = :seed::bigint)
  AND (:name::text IS NULL OR name IS NULL OR name = :name::text)
ORDER BY :name::text IS NOT NULL AND name IS NULL, id DESC LIMIT 1;

-- name: experiment_by_name
SELECT id, identity FROM experiment WHERE project = :project AND name = :name ORDER BY id DESC LIMIT 1;

-- name: last_seed
-- The largest seed among twins, so that a fresh twin can take another.
SELECT max(seed) FROM experiment WHERE identity = :identity;

-- name: add_experiment
WITH taken AS (UPDATE newest SET experiment = experiment + 1 RETURNING experiment)
INSERT INTO experiment (id, identity, project, name, seed, target, created, changed, revision)
SELECT experiment, :identity, :project, :name, :seed, :target::bigint, :time, :time, 0 FROM taken
RETURNING id;

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

-- name: read_events
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE revision > :since ORDER BY revision LIMIT nullif(:limit::bigint, -1);

-- name: read_events_of
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND revision > :since ORDER BY revision LIMIT nullif(:limit::bigint, -1);

-- name: read_decisions
-- What the stopping rules made of one trial.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND trial = :trial AND kind = 'decided' ORDER BY revision;

-- name: read_looks
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND kind = 'looked' ORDER BY revision;

-- name: read_newest_wish
-- Read backwards: after a wish that nothing more is to start there are few events.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND kind = 'wished' ORDER BY revision DESC LIMIT 1;

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
