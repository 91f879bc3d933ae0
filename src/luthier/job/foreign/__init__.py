"""The files of other tools: trials they made (`study.py`), and searches they describe (`search.py`, `kinds.py`).

Each format has a module of its own that reads it into one of the two nouns, and knows nothing of the store. What a
format has and Luthier has not is said in a sentence each, never dropped.
"""
