"""What detections mean: thresholds, severities, actions. Pure functions of data."""
