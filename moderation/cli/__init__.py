"""The command line: one file a command, each with a click object named `command`.

It prints for people and exits with meaning. Machine-readable output goes to stdout alone, everything else to stderr.
Exit codes: 0 done; 1 done and something is wrong (a check failed, a worker broke); 2 could not be done (usage,
settings, a missing model or broker); 130 interrupted.
"""
