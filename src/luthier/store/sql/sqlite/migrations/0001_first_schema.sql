-- The first schema. Each trial has one row that is updated in place, one row per attempt that is only ever added to
-- and closed, and one row in `event` per change, whose number is the revision of the record. All writers queue on one
-- lock, so revisions follow the order of commits.
--
-- A column that may hold any number has no type: SQLite turns a NaN into NULL, so NaN is kept as the text 'nan'.
-- Times named *_until are seconds since boot under `boot_id`; all other times are seconds since 1970.

PRAGMA application_id = 0x4C757468;            -- "Luth": tells our file from somebody else's

CREATE TABLE experiment (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    identity    TEXT    NOT NULL,              -- digest of what the experiment is; equal for twins
    project     TEXT    NOT NULL,
    name        TEXT,
    seed        INTEGER NOT NULL,
    target      INTEGER,                       -- number of finished trials asked for; NULL: no bound
    wish        TEXT    NOT NULL DEFAULT 'run',-- what a person last asked: run, pause, stop, kill
    created     REAL    NOT NULL,
    changed     REAL    NOT NULL,
    revision    INTEGER NOT NULL,
    -- the newest number and ordinal handed out; the next ones are theirs plus one
    numbers     INTEGER NOT NULL DEFAULT 0,
    proposed    INTEGER NOT NULL DEFAULT 0,
    -- counters, kept by the verbs in the same transaction as the rows they count
    trials      INTEGER NOT NULL DEFAULT 0,    -- all rows, enqueued ones included
    reserved    INTEGER NOT NULL DEFAULT 0,
    queued      INTEGER NOT NULL DEFAULT 0,
    running     INTEGER NOT NULL DEFAULT 0,
    waiting     INTEGER NOT NULL DEFAULT 0,
    finished    INTEGER NOT NULL DEFAULT 0,
    succeeded   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX experiment_by_identity ON experiment (identity, id);

-- Kept apart from the counters: a row is rewritten whole, and these are kilobytes that hardly ever change.
CREATE TABLE description (
    experiment  INTEGER PRIMARY KEY REFERENCES experiment (id),
    text        TEXT    NOT NULL               -- JSON, whole
);

-- The calls that took something and can't be told by a fence. A nonce that was heard takes nothing again.
CREATE TABLE heard (
    nonce       TEXT    PRIMARY KEY,
    experiment  INTEGER NOT NULL,
    first       INTEGER NOT NULL DEFAULT 0,    -- of an enqueue: the first number it was given
    n           INTEGER NOT NULL DEFAULT 0     -- and how many
) WITHOUT ROWID;

CREATE TABLE trial (
    id            INTEGER PRIMARY KEY AUTOINCREMENT, -- the run id, unique in the store
    experiment    INTEGER NOT NULL REFERENCES experiment (id),
    number        INTEGER NOT NULL,
    state         TEXT    NOT NULL,            -- reserved, queued, running, waiting, finished: see trial.TRANSITIONS
    priority      INTEGER NOT NULL DEFAULT 0,  -- enqueued by a person: 1
    ordinal       INTEGER,                     -- the algorithm's own count; NULL when enqueued
    seed          INTEGER NOT NULL,
    configuration TEXT,
    proposal      TEXT,                        -- JSON: by, seen, mean, deviation, seconds, note
    attempt       INTEGER NOT NULL DEFAULT 0,  -- number of the newest attempt: the fence
    worker        TEXT,                        -- who holds the reservation or the lease
    nonce         TEXT,                        -- of the call that took it, while it is held
    lease_until   REAL,
    boot_id       TEXT,
    outcome       TEXT,
    reason        TEXT,
    value,                                     -- the objective; 'nan' for NaN
    exit_code     INTEGER,
    signal        INTEGER,
    seconds       REAL,
    cpu_seconds   REAL,
    peak_bytes    INTEGER,
    created       REAL    NOT NULL,
    began         REAL,
    ended         REAL,
    revision      INTEGER NOT NULL,
    UNIQUE (experiment, number)
);
CREATE INDEX trial_queue ON trial (experiment, priority DESC, number) WHERE state = 'queued';
CREATE INDEX trial_reserved ON trial (experiment, number) WHERE state = 'reserved';
CREATE INDEX trial_running ON trial (experiment, number) WHERE state = 'running';
CREATE INDEX trial_by_value ON trial (experiment, value, number) WHERE outcome = 'succeeded' AND value IS NOT NULL;
CREATE INDEX trial_not_well ON trial (experiment, number) WHERE outcome IS NOT NULL AND outcome != 'succeeded';
CREATE INDEX trial_by_revision ON trial (experiment, revision);

CREATE TABLE attempt (
    trial       INTEGER NOT NULL REFERENCES trial (id),
    number      INTEGER NOT NULL,
    worker      TEXT    NOT NULL,              -- who began it
    began       REAL    NOT NULL,
    ended       REAL,
    command     TEXT,                          -- JSON list: the words that ran
    points      INTEGER NOT NULL DEFAULT 0,    -- how many points were accepted: the next one's number
    refused     TEXT    NOT NULL DEFAULT '',   -- the kinds of write that came too late, each told once in `event`
    outcome     TEXT,
    reason      TEXT,
    value,
    exit_code   INTEGER,
    signal      INTEGER,
    seconds     REAL,
    cpu_seconds REAL,
    peak_bytes  INTEGER,
    PRIMARY KEY (trial, number)
) WITHOUT ROWID;

CREATE TABLE metric (
    id         INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    name       TEXT    NOT NULL,
    UNIQUE (experiment, name)
);

CREATE TABLE point (
    trial   INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    number  INTEGER NOT NULL,                  -- counts the attempt's points from 0
    metric  INTEGER NOT NULL,
    step    REAL    NOT NULL,
    value,
    time    REAL    NOT NULL,
    PRIMARY KEY (trial, attempt, number)
) WITHOUT ROWID;

-- What the newest attempt reported, one row per metric: kept current by `report`, so that no view scans points.
CREATE TABLE summary (
    metric    INTEGER NOT NULL,
    trial     INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    count     INTEGER NOT NULL,
    last,
    last_step REAL    NOT NULL,
    minimum,                                   -- of the values that are not NaN; NULL when all are
    maximum,
    total,                                     -- NULL once infinities of both signs were added
    numbers   INTEGER NOT NULL,                -- how many values are not NaN
    PRIMARY KEY (trial, metric)
) WITHOUT ROWID;
CREATE INDEX summary_by_metric ON summary (metric, trial);

-- `remove` deletes an experiment's events but adds one of its own, so the newest revision is never used again.
CREATE TABLE event (
    revision   INTEGER PRIMARY KEY,
    time       REAL    NOT NULL,
    experiment INTEGER NOT NULL,
    trial      INTEGER,                        -- number within the experiment
    attempt    INTEGER,
    kind       TEXT    NOT NULL,
    detail     TEXT
);
CREATE INDEX event_by_experiment ON event (experiment, revision);
