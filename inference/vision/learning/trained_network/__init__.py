"""A trained network as a bundle: one ONNX graph, what goes into it and what comes out, and its runtime."""
