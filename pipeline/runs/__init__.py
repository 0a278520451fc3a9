"""What is kept of every run of a workspace, and the page that shows all of them."""
