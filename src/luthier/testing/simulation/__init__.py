"""The parts of a simulated world (`luthier.testing.simulate` puts them together and is where to begin).

`world.py` has time and those who act in it, `hosts.py` machines with the programs that run on them, `link.py` the way to the
store and what goes wrong on it, `lives.py` what a worker does from its first day to its last, and `promises.py` what must be
true when all is over. Only these are made of paper: the drive and the store are the real ones.
"""
