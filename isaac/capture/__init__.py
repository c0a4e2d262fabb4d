"""Rendering plans with Isaac Sim's Replicator: a job folder in, passes out.

Nothing here is imported by the rest of the project at run time; the two sides meet in the job folder alone
(:mod:`isaac.capture.folder`). All of Isaac Sim that is used is imported in :mod:`isaac.capture.runtime`, and nowhere
else, once ``SimulationApp`` stands.
"""
