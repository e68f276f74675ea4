"""How each server is started, in its most ordinary configuration, and stopped."""
