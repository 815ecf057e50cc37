"""What the cutter delivers: pattern files read into pieces in metres."""
