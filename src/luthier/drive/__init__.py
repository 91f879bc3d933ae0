"""Where everything meets: the loop, the plan, what is done after a crash.

`loop.Drive` is the one place that knows space, search, run, store and metrics together; read it first. `planning`
keeps the queue filled, `judging` says how a trial ended, `recovering` takes over what a dead driver left running,
`ending` ends trials on a person's wish, `alive` tells the living from the dead.
"""
