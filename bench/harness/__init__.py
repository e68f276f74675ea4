"""What measuring servers side by side needs, whichever protocol they speak."""
