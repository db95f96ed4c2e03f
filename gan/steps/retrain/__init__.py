"""Why to train again: what is new since the live generator was made."""
