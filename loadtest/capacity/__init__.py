"""How many streams a worker can carry."""
