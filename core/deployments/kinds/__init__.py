"""The kinds of models that are deployed: the steps of each, and what only these steps need."""
