"""The ciphers that servers are compared under."""

AES, CHACHA = "aes128-gcm", "chacha20-poly1305"
CIPHERS = {AES: "aes128-gcm@openssh.com", CHACHA: "chacha20-poly1305@openssh.com"}
"""As OpenSSH names them."""
