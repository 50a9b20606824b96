"""Where trials run; nothing above this room knows whether that is here or elsewhere."""
