"""What a record holds: feature names, classes and their colours, and the TFDV schema."""
