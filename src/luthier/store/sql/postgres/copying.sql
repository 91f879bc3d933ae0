-- Statements that read an experiment whole and write it whole, for `copying.py`. Reads are paged by a key.

-- name: newest_numbers
-- The newest numbers that were handed out: of experiments, trials and revisions.
SELECT experiment, trial, (SELECT coalesce(max(revision), 0) FROM event) FROM newest;

-- name: put_numbers
-- The next ones go on from these.
UPDATE newest SET experiment = greatest(experiment, :experiment), trial = greatest(trial, :trial) RETURNING 1;

-- name: put_experiments
INSERT INTO experiment (id, identity, project, name, seed, target, wish, created, changed, revision, numbers, proposed, trials, reserved,
    queued, running, waiting, finished, succeeded)
SELECT r.*
FROM unnest(:id::bigint[], :identity::text[], :project::text[], :name::text[], :seed::bigint[], :target::bigint[],
            :wish::text[], :created::double precision[], :changed::double precision[], :revision::bigint[],
            :numbers::bigint[], :proposed::bigint[], :trials::bigint[], :reserved::bigint[], :queued::bigint[],
            :running::bigint[], :waiting::bigint[], :finished::bigint[], :succeeded::bigint[]) AS r (id, identity, project, name, seed, target, wish, created, changed, revision, numbers, proposed, trials, reserved,
    queued, running, waiting, finished, succeeded);

-- name: put_descriptions
INSERT INTO description (experiment, text)
SELECT r.*
FROM unnest(:experiment::bigint[], :text::text[]) AS r (experiment, text);

-- name: put_heard
INSERT INTO heard (nonce, experiment, first, n)
SELECT r.*
FROM unnest(:nonce::text[], :experiment::bigint[], :first::bigint[], :n::bigint[]) AS r (nonce, experiment, first, n)
ON CONFLICT DO NOTHING;

-- name: put_trials
-- A reservation is nobody's: the next one to propose takes it over.
INSERT INTO trial (id, experiment, number, state, priority, ordinal, seed, configuration, proposal, attempt, stage, outcome, reason,
    value, exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision, worker, nonce, lease_until)
SELECT r.*, CASE WHEN state = 'reserved' THEN '' END, CASE WHEN state = 'reserved' THEN '' END,
       CASE WHEN state = 'reserved' THEN -1 END
FROM unnest(:id::bigint[], :experiment::bigint[], :number::bigint[], :state::text[], :priority::integer[],
            :ordinal::bigint[], :seed::bigint[], :configuration::text[], :proposal::text[], :attempt::bigint[],
            :stage::bigint[], :outcome::text[], :reason::text[], :value::double precision[], :exit_code::bigint[],
            :signal::bigint[], :seconds::double precision[], :cpu_seconds::double precision[], :peak_bytes::bigint[],
            :aims::text[], :created::double precision[], :began::double precision[], :ended::double precision[],
            :revision::bigint[]) AS r (id, experiment, number, state, priority, ordinal, seed, configuration, proposal, attempt, stage, outcome, reason,
    value, exit_code, signal, seconds, cpu_seconds, peak_bytes, aims, created, began, ended, revision);

-- name: put_attempts
INSERT INTO attempt (trial, number, stage, worker, began, ended, command, points, refused, outcome, reason, value, exit_code, signal,
    seconds, cpu_seconds, peak_bytes, aims)
SELECT r.*
FROM unnest(:trial::bigint[], :number::bigint[], :stage::bigint[], :worker::text[], :began::double precision[],
            :ended::double precision[], :command::text[], :points::bigint[], :refused::text[], :outcome::text[],
            :reason::text[], :value::double precision[], :exit_code::bigint[], :signal::bigint[],
            :seconds::double precision[], :cpu_seconds::double precision[], :peak_bytes::bigint[], :aims::text[]) AS r (trial, number, stage, worker, began, ended, command, points, refused, outcome, reason, value, exit_code, signal,
    seconds, cpu_seconds, peak_bytes, aims);

-- name: put_metrics
INSERT INTO metric (experiment, name)
SELECT r.experiment, r.name
FROM unnest(:experiment::bigint[], :name::text[]) WITH ORDINALITY AS r (experiment, name, place) ORDER BY place;

-- name: put_points
INSERT INTO point (trial, attempt, number, metric, step, value, time)
SELECT r.*
FROM unnest(:trial::bigint[], :attempt::bigint[], :number::bigint[], :metric::bigint[], :step::double precision[],
            :value::double precision[], :time::double precision[]) AS r (trial, attempt, number, metric, step, value, time);

-- name: put_summaries
INSERT INTO summary (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers)
SELECT r.*
FROM unnest(:metric::bigint[], :trial::bigint[], :attempt::bigint[], :count::bigint[], :last::double precision[],
            :last_step::double precision[], :minimum::double precision[], :maximum::double precision[],
            :total::double precision[], :numbers::bigint[]) AS r (metric, trial, attempt, count, last, last_step, minimum, maximum, total, numbers);

-- name: put_events
INSERT INTO event (revision, time, experiment, trial, attempt, kind, detail)
SELECT r.*
FROM unnest(:revision::bigint[], :time::double precision[], :experiment::bigint[], :trial::bigint[],
            :attempt::bigint[], :kind::text[], :detail::text[]) AS r (revision, time, experiment, trial, attempt, kind, detail);

-- name: put_provenance
INSERT INTO provenance (digest, text)
SELECT r.*
FROM unnest(:digest::text[], :text::text[]) AS r (digest, text)
ON CONFLICT DO NOTHING;

-- name: put_ran_with
INSERT INTO ran_with (experiment, worker, since, provenance)
SELECT r.*
FROM unnest(:experiment::bigint[], :worker::text[], :since::double precision[], :provenance::text[]) AS r (experiment, worker, since, provenance);
