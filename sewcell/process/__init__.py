"""The know-how of sewing: which motions and machine commands make a seam, as steps that return the next step."""
