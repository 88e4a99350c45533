"""What a toxicity model is judged by. Pure functions of scores; `moderation.toxicity.evaluate` is the command."""
