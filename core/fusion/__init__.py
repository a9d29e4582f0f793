"""How the views of a part are combined into one verdict: rules, calibrated probabilities, their history."""
