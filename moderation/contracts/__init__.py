"""Bytes to events and back: Avro, framing, CloudEvents headers, the catalogues of schemas and topics.

`codecs.load_codecs(settings)` gives the codecs of all events; build them once and pass them on.
"""
