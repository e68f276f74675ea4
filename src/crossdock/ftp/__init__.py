"""The FTP edge: a pure conversation, and the drivers that move its bytes."""
