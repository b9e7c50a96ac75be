"""Training of the checker and of the calibration that depends on its weights; see README.md."""
