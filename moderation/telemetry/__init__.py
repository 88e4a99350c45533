"""What operators see of a worker: logs, metrics, and an endpoint that says whether it lives and is ready.

No transcript text, audio or foreign exception text gets into any of them.
"""
