"""lcv_mm: the class-variance loss and bilinear heads of LCV as MMPretrain components."""
