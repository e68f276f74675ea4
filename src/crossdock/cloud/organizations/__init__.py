"""AWS Organizations: one root with every account of the house in it, and the policies that are attached to them."""
