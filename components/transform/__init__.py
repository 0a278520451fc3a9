"""From checked records to training records: one resize, used everywhere."""
