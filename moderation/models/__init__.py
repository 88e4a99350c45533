"""Model files: which ones there are, where they lie, how they are fetched and verified.

A model is named `<engine>:<model>`, as settings name it: `whisper:tiny.en`, `vosk:ko`, `detoxify:unbiased`.
`ModelStore(settings.models_dir).require(name)` is all that an engine needs.
"""
