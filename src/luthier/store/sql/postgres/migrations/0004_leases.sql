-- Every worker looks for leases that ran out: that must not cost more the more there are that have not.

CREATE INDEX trial_leases ON trial (experiment, lease_until) WHERE state = 'running';
