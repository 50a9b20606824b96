"""Ready objectives, one a file; hpo finds them by entry point and imports none of them by name."""
