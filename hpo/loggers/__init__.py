"""Where curves go besides the run folder: TensorBoard."""
