"""Arms: parameters, forward and inverse kinematics, joint limits, collision distances."""
