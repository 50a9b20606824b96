"""For people who stay with another tool: what of this project works inside it."""
