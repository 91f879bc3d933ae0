"""What people look at: read-only questions to the record, answered as plain frozen rows.

Nothing here prints, writes to a store or starts anything; `cli/` and `web/` show what these functions return.
`experiments` and `trials` give rows, `verdicts` says which trial is best and which are as good, `certainty` how sure
that is, `noise` whether results show luck, `confirmation` what fresh runs say of it, `failures` where trials fail,
`predictions` what was expected of them, `explaining` why a trial was tried; `logs` reads what trials printed, `exports`
streams everything into a file.
"""
