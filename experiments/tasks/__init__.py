"""Tasks and networks of the learning literature, on which claims are measured."""
