"""This computer: SQL state, disk blobs, keys, the clock. Durable and safe against a crash at any moment."""
