"""Other tools' Python words, spoken by Luthier: change the import and the program works.

`hyperopt` (fmin, hp, Trials, …) and `gradient_sdk` (hyper_tune). Both are thin: spaces become `luthier.space`, trials'
documents become a `History`, and what to try next is asked of `luthier.search`.
"""
