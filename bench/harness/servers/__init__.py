"""How a server is started and stopped, whichever it is, and what a case may know of it."""
