"""Worker processes of the gateway: started, given sockets, answered, replaced; and the parent as they see it."""
