"""Coverage-guided fuzzing of what reads a server's bytes: `make fuzz`."""
