-- Several objectives, and constraints: what a result says beside the first objective's value.
ALTER TABLE trial ADD COLUMN aims TEXT;    -- JSON: values, of all objectives; excesses, of all constraints; NULL for neither
ALTER TABLE attempt ADD COLUMN aims TEXT;
