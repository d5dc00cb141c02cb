"""What the command line and the pages call: each function is one thing that a user does."""
