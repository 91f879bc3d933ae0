-- Statements that read an experiment whole and write it whole, for `copying.py`. Reads are paged by a key.

-- name: newest_numbers
-- The newest numbers that were handed out: of experiments, trials and revisions.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'experiment'), 0),
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'trial'), (SELECT max(id) FROM trial), 0),
       coalesce((SELECT max(revision) FROM event), 0);

-- name: put_numbers
-- Rows bring their own numbers, which the tables then count on from.
SELECT :experiment, :trial;

-- name: put_experiments
INSERT INTO experiment (id, identity, project, name, seed, target, wish, created, changed, revision, numbers, proposed, trials, reserved,
    queued, running, waiting, finished, succeeded)
VALUES (:id, :identity, :project, :name, :seed, :target, :wish, :created, :changed, :revision, :numbers, :proposed,
        :trials, :reserved, :queued, :running, :waiting, :finished, :succeeded);

-- name: put_descriptions
INSERT INTO description (experiment, text)
VALUES (:experiment, :text);

-- name: put_heard
INSERT INTO heard (nonce, experiment, first, n)
VALUES (:nonce, :experiment, :first, :n)
ON CONFLICT DO NOTHING;

-- name: put_trials
-- A reservation is nobody's: the next one to propose takes it over.
INSERT INTO trial (id, experiment, number, state, priority, ordinal, seed, configuration, proposal, attempt, stage, outcome, reason,
    value, exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, nonce, lease_until, boot_id)
VALUES (:id, :experiment, :number, :state, :priority, :ordinal, :seed, :configuration, :proposal, :attempt, :stage,
        :outcome, :reason, :value, :exit_code, :signal, :seconds, :cpu_seconds, :peak_bytes, :aims, :created, :began,
        :ended, :revision, CASE WHEN :state = 'reserved' THEN '' END, CASE WHEN :state = 'reserved' THEN '' END,
        CASE WHEN :state = 'reserved' THEN -1 END, CASE WHEN :state = 'reserved' THEN '' END);

-- name: put_attempts
INSERT INTO attempt (trial, number, stage, worker, began, ended, command, points, refused, outcome, reason, value, exit_code, signal,
    seconds, cpu_seconds, peak_bytes, aims)
VALUES (:trial, :number, :stage, :worker, :began, :ended, :command, :points, :refused, :outcome, :reason, :value,
        :exit_code, :signal, :seconds, :cpu_seconds, :peak_bytes, :aims);

-- name: put_metrics
INSERT INTO metric (experiment, name)
VALUES (:experiment, :name);

-- name: put_points
INSERT INTO point (trial, attempt, number, metric, step, value, time)
VALUES (:trial, :attempt, :number, :metric, :step, :value, :time);

-- name: put_summaries
INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
VALUES (:metric, :trial, :attempt, :count, :last, :last_step, :minimum, :maximum, :total, :numbers);

-- name: put_events
INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
VALUES (:revision, :time, :experiment, :trial, :attempt, :kind, :detail);

-- name: put_provenance
INSERT INTO provenance (digest, text)
VALUES (:digest, :text)
ON CONFLICT DO NOTHING;

-- name: put_ran_with
INSERT INTO ran_with (experiment, worker, since, provenance)
VALUES (:experiment, :worker, :since, :provenance);
