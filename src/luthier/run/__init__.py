"""Who executes an attempt.

`runner` is the seam: the verbs `drive` speaks and the nouns that cross it. `command` is the runner for any program;
its other half, the files with a leading underscore, runs in the nursery and the guardians. `folders` knows every file
name, `render` turns a configuration into words, `environment` into variables, `gpus` hands out devices. This room
must not know the store, the search or the metrics: it is told what to run and says how it ended. Import what you need
from the modules themselves: nothing is loaded here.
"""
