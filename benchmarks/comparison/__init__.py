"""This project's networks beside a network of another package, in environments of their own."""
