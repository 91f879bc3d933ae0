-- What trials ran with: code, data, Python, packages, machine, as a text. Attempts refer to it by who began them and when,
-- so that one line a driving session serves all of its attempts.
CREATE TABLE provenance (
    digest TEXT PRIMARY KEY,                   -- SHA-256 of the text: the same text is kept once
    text   TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE ran_with (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    worker     TEXT    NOT NULL,               -- who began the attempts
    since      REAL    NOT NULL,               -- those begun from then on
    provenance TEXT    NOT NULL REFERENCES provenance (digest),
    PRIMARY KEY (experiment, worker, since)
) WITHOUT ROWID;
CREATE INDEX ran_with_by_provenance ON ran_with (provenance);
