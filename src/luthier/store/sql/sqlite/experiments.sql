-- Statements about whole experiments. Every statement has a name, and says what it is for.

-- name: add_event
-- Takes the next revision of the record.
INSERT INTO event (time, experiment, trial, attempt, kind, detail)
VALUES (:time, :experiment, :trial, :attempt, :kind, :detail);

-- name: newest_twin
-- The newest experiment that is the same search; with a seed, only one with that seed; with a name, only one that
-- bears it or none.
SELECT id FROM experiment
WHERE identity = :identity AND (:seed IS NULL OR seed = :seed) AND (:name IS NULL OR name IS NULL OR name = :name)
ORDER BY :name IS NOT NULL AND name IS NULL, id DESC LIMIT 1;

-- name: add_experiment
INSERT INTO experiment (identity, project, name, seed, target, created, changed, revision)
VALUES (:identity, :project, :name, :seed, :target, :time, :time, 0)
RETURNING id;

-- name: read_events
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE revision > :since ORDER BY revision LIMIT :limit;

-- name: read_events_of
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event
WHERE experiment = :experiment AND revision > :since ORDER BY revision LIMIT :limit;

-- name: read_decisions
-- What the stopping rules made of one trial.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event INDEXED BY event_decided
WHERE experiment = :experiment AND trial = :trial AND kind = 'decided' ORDER BY revision;

-- name: read_looks
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event INDEXED BY event_looked
WHERE experiment = :experiment AND kind = 'looked' ORDER BY revision;

-- name: read_requests
-- Which attempts a person wants ended.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event INDEXED BY event_requested
WHERE experiment = :experiment AND kind = 'requested' AND revision > :since ORDER BY revision;

-- name: read_newest_wish
-- Read backwards: after a wish that nothing more is to start there are few events.
SELECT revision, time, experiment, trial, attempt, kind, detail FROM event INDEXED BY event_by_experiment
WHERE experiment = :experiment AND kind = 'wished' ORDER BY revision DESC LIMIT 1;
