"""The worker: Faust in, verdicts out. The only package that imports faust."""
