"""The evaluation page: one self-contained HTML file that says whether a model may be served, and why."""
