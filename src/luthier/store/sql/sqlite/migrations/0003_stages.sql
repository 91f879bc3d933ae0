-- Trials in stages: the rungs of a budget, or folds. A trial that waits for its next stage has the columns of a result,
-- but no outcome: its attempt has that.
ALTER TABLE trial ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;    -- which stage its next or current attempt runs
ALTER TABLE attempt ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
