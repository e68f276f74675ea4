"""Set-ups to start from: the article's two accounts, as templates and as steps."""
