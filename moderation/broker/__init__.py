"""The embedded broker: Kafka's protocol from a binary in the environment, for development, the demo and the tests.

It keeps everything in memory, and loses it when it stops.
"""
