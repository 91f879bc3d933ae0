"""Other tools' Python words, spoken by Luthier: change the import and the program works.

`hyperopt` (fmin, hp, Trials, …), `gradient_sdk` (hyper_tune) and `spell` (client, metrics). All are thin: spaces become `luthier.space`, trials'
documents become a `History`, and what to try next is asked of `luthier.search`.
"""
