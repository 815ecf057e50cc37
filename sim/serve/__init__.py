"""The emulated controllers and the camera of a simulated cell, in wall time, for programs outside."""
