"""The gateway's ports answered by AWS, or by whoever speaks its protocols."""
