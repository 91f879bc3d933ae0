-- Statements about whole experiments. Every statement has a name, and says what it is for.

-- name: add_event
-- Takes the next revision of the record. The writers' lock makes it the one after the last that was committed.
INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT coalesce(max(revision), 0) + 1, :time::double precision, :experiment::bigint, :trial::bigint, :attempt::bigint,
       :kind::text, :detail::text
FROM event
RETURNING revision;

-- name: newest_twin
-- The newest experiment that is the same search; with a seed, only one with that seed; with a name, only one that
-- bears it or none.
SELECT id FROM experiment
WHERE identity = :identity AND (:seed::bigint IS NULL OR seed = :seed::bigint)
  AND (:name::text IS NULL OR name IS NULL OR name = :name::text)
ORDER BY :name::text IS NOT NULL AND name IS NULL, id DESC LIMIT 1;

-- name: add_experiment
WITH taken AS (UPDATE newest SET experiment = experiment + 1 RETURNING experiment)
INSERT INTO experiment (id, identity, project, name, seed, target, created, changed, revision)
SELECT experiment, :identity, :project, :name, :seed, :target::bigint, :time, :time, 0 FROM taken
RETURNING id;

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

-- name: read_requests
-- Which attempts a person wants ended.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND kind = 'requested' AND revision > :since ORDER BY revision;

-- name: read_newest_wish
-- Read backwards: after a wish that nothing more is to start there are few events.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND kind = 'wished' ORDER BY revision DESC LIMIT 1;
