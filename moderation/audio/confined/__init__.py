"""Decoding of complete files (FLAC, OGG_OPUS) in a process that has nothing, and that can be killed.

decoding.py         ConfinedDecoding: what the worker uses; blames a payload or a process, replaces processes
process.py          our end of one decoding process
server_process.py   our end of the server
server.py           the server: a clean process that forks decoding processes and knows how they ended
serving.py          what a decoding process does, all its life
confinement.py      what it may not do
messages.py         what goes between us and it
"""
