"""Load tests against a running worker: real-time voice chat in, flags read back. Imports contracts and events only."""
