"""The demo: clips with what ought to be flagged in them, a scenario that plays them, and what people see of it."""
