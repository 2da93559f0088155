"""Takes a case through its states, under its clocks."""
