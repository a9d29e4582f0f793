"""How the views of a product are combined into one verdict: rule, calibration, history, effect on labeled parts."""
