"""`python -m loadtest faults`: real brokers, workers and streams; what hurts them; and what the topics then say."""
