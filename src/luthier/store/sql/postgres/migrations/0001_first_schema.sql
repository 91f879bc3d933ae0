-- The first schema, which is SQLite's newest one. Each trial has one row that is updated in place, one row per attempt
-- that is only ever added to and closed, and one row in `event` per change, whose number is the revision of the record.
-- All writers that add an event queue on one advisory lock, so revisions follow the order of commits.
--
-- Everything stands in a schema of its own, so that a database may be shared with other programs. Times are seconds
-- since 1970, *_until on the server's clock. A text can't hold NUL: the connection writes it in another way.

CREATE TABLE schema_version (
    number  integer NOT NULL                   -- of the newest migration
);
INSERT INTO schema_version VALUES (0);

-- The server's time, which all leases are counted on.
CREATE FUNCTION server_seconds() RETURNS double precision
LANGUAGE sql VOLATILE AS 'SELECT extract(epoch FROM clock_timestamp())::double precision';

-- Names the time since the server last recovered from a crash: an unlogged table is empty after one. A transaction's number
-- may be given out again then, so how it ended can be asked only within one epoch.
CREATE UNLOGGED TABLE epoch (
    id      text    NOT NULL
);

-- The newest numbers that were given out. No sequences: those leave gaps where a transaction is undone.
CREATE TABLE newest (
    experiment bigint NOT NULL,
    trial      bigint NOT NULL
);
INSERT INTO newest VALUES (0, 0);

CREATE TABLE experiment (
    id          bigint  PRIMARY KEY,
    identity    text    NOT NULL,              -- digest of what the experiment is; equal for twins
    project     text    NOT NULL,
    name        text,
    seed        bigint  NOT NULL,
    target      bigint,                        -- number of finished trials asked for; NULL: no bound
    wish        text    NOT NULL DEFAULT 'run',-- what a person last asked: run, pause, stop, kill
    created     double precision NOT NULL,
    changed     double precision NOT NULL,
    revision    bigint  NOT NULL,
    -- the newest number and ordinal handed out; the next ones are theirs plus one
    numbers     bigint  NOT NULL DEFAULT 0,
    proposed    bigint  NOT NULL DEFAULT 0,
    -- counters, kept by the verbs in the same transaction as the rows they count
    trials      bigint  NOT NULL DEFAULT 0,    -- all rows, enqueued ones included
    reserved    bigint  NOT NULL DEFAULT 0,
    queued      bigint  NOT NULL DEFAULT 0,
    running     bigint  NOT NULL DEFAULT 0,
    waiting     bigint  NOT NULL DEFAULT 0,
    finished    bigint  NOT NULL DEFAULT 0,
    succeeded   bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 50);                      -- rewritten by nearly every verb: its new versions stay on their page
CREATE INDEX experiment_by_identity ON experiment (identity, id);

-- Kept apart from the counters: a row is rewritten whole, and these are kilobytes that hardly ever change.
CREATE TABLE description (
    experiment  bigint  PRIMARY KEY REFERENCES experiment (id),
    text        text    NOT NULL               -- JSON, whole
);

-- The calls that took something and can't be told by a fence. A nonce that was heard takes nothing again.
CREATE TABLE heard (
    nonce       text    PRIMARY KEY,
    experiment  bigint  NOT NULL,
    first       bigint  NOT NULL DEFAULT 0,    -- of an enqueue: the first number it was given
    n           bigint  NOT NULL DEFAULT 0     -- and how many
);
CREATE INDEX heard_by_experiment ON heard (experiment);

CREATE TABLE trial (
    id            bigint  PRIMARY KEY,         -- the run id, unique in the store
    experiment    bigint  NOT NULL REFERENCES experiment (id),
    number        bigint  NOT NULL,
    state         text    NOT NULL,            -- reserved, queued, running, waiting, finished: see trial.TRANSITIONS
    priority      integer NOT NULL DEFAULT 0,  -- enqueued by a person: 1
    ordinal       bigint,                      -- the algorithm's own count; NULL when enqueued
    seed          bigint  NOT NULL,
    configuration text,
    proposal      text,                        -- JSON: by, seen, mean, deviation, seconds, note
    attempt       bigint  NOT NULL DEFAULT 0,  -- number of the newest attempt: the fence
    stage         bigint  NOT NULL DEFAULT 0,  -- which stage its next or current attempt runs
    worker        text,                        -- who holds the reservation or the lease
    nonce         text,                        -- of the call that took it, while it is held
    lease_until   double precision,            -- on the server's clock
    outcome       text,
    reason        text,
    value         double precision,            -- the objective
    exit_code     bigint,
    signal        bigint,
    seconds       double precision,
    cpu_seconds   double precision,
    peak_bytes    bigint,
    aims          text,                        -- JSON: values, of all objectives; excesses, of all constraints; curve
    created       double precision NOT NULL,
    began         double precision,
    ended         double precision,
    revision      bigint  NOT NULL,
    UNIQUE (experiment, number)
) WITH (fillfactor = 80);
CREATE INDEX trial_queue ON trial (experiment, priority DESC, number) WHERE state = 'queued';
CREATE INDEX trial_reserved ON trial (experiment, number) WHERE state = 'reserved';
CREATE INDEX trial_running ON trial (experiment, number) WHERE state = 'running';
CREATE INDEX trial_by_value ON trial (experiment, value, number) WHERE outcome = 'succeeded' AND value IS NOT NULL;
CREATE INDEX trial_not_well ON trial (experiment, number) WHERE outcome IS NOT NULL AND outcome != 'succeeded';
CREATE INDEX trial_by_revision ON trial (experiment, revision);

CREATE TABLE attempt (
    trial       bigint  NOT NULL REFERENCES trial (id),
    number      bigint  NOT NULL,
    stage       bigint  NOT NULL DEFAULT 0,
    worker      text    NOT NULL,              -- who began it
    began       double precision NOT NULL,
    ended       double precision,              -- NULL exactly while it holds its trial
    command     text,                          -- JSON list: the words that ran
    points      bigint  NOT NULL DEFAULT 0,    -- how many points were accepted: the next one's number
    refused     text    NOT NULL DEFAULT '',   -- the kinds of write that came too late, each told once in `event`
    outcome     text,
    reason      text,
    value       double precision,
    exit_code   bigint,
    signal      bigint,
    seconds     double precision,
    cpu_seconds double precision,
    peak_bytes  bigint,
    aims        text,
    PRIMARY KEY (trial, number)
) WITH (fillfactor = 80);

CREATE TABLE metric (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    experiment bigint NOT NULL REFERENCES experiment (id),
    name       text   NOT NULL
);
-- A name may be longer than what an index takes.
CREATE UNIQUE INDEX metric_by_name ON metric (experiment, md5(name));

CREATE TABLE point (
    trial   bigint NOT NULL,
    attempt bigint NOT NULL,
    number  bigint NOT NULL,                   -- counts the attempt's points from 0
    metric  bigint NOT NULL,
    step    double precision NOT NULL,
    value   double precision,
    time    double precision NOT NULL,
    PRIMARY KEY (trial, attempt, number)
);

-- What the newest attempt reported, one row per metric: kept current by `report`, so that no view scans points.
CREATE TABLE summary (
    metric    bigint NOT NULL,
    trial     bigint NOT NULL,
    attempt   bigint NOT NULL,
    count     bigint NOT NULL,
    last      double precision,
    last_step double precision NOT NULL,
    minimum   double precision,                -- of the values that are not NaN; NULL when all are
    maximum   double precision,
    total     double precision,                -- NULL once infinities of both signs were added
    numbers   bigint NOT NULL,                 -- how many values are not NaN
    PRIMARY KEY (trial, metric)
) WITH (fillfactor = 70);
CREATE INDEX summary_by_metric ON summary (metric, trial);

-- `remove` deletes an experiment's events but adds one of its own, so the newest revision is never used again.
CREATE TABLE event (
    revision   bigint PRIMARY KEY,
    time       double precision NOT NULL,
    experiment bigint NOT NULL,
    trial      bigint,                         -- number within the experiment
    attempt    bigint,
    kind       text   NOT NULL,
    detail     text
);
CREATE INDEX event_by_experiment ON event (experiment, revision);
CREATE INDEX event_decided ON event (experiment, trial, revision) WHERE kind = 'decided';
CREATE INDEX event_looked ON event (experiment, revision) WHERE kind = 'looked';

-- Whoever waits for the next change hears of it when it is committed.
CREATE FUNCTION tell() RETURNS trigger
LANGUAGE plpgsql AS $$BEGIN PERFORM pg_notify('luthier', ''); RETURN NULL; END$$;
CREATE TRIGGER event_told AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION tell();

-- What trials ran with: code, data, Python, packages, machine, as a text. Attempts refer to it by who began them and when,
-- so that one line a driving session serves all of its attempts.
CREATE TABLE provenance (
    digest text PRIMARY KEY,                   -- SHA-256 of the text: the same text is kept once
    text   text NOT NULL
);

CREATE TABLE ran_with (
    experiment bigint NOT NULL REFERENCES experiment (id),
    worker     text   NOT NULL,                -- who began the attempts
    since      double precision NOT NULL,      -- those begun from then on
    provenance text   NOT NULL REFERENCES provenance (digest)
);
CREATE UNIQUE INDEX ran_with_by_worker ON ran_with (experiment, md5(worker), since);
CREATE INDEX ran_with_by_provenance ON ran_with (provenance);
