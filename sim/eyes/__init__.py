"""The simulated cell for human eyes: a video, or a window."""
