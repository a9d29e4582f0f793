"""What a candidate, or other thresholds, would have said of the parts that are known and those inspected lately."""
