"""The ways of training a network: from labeled images to one ONNX graph that says what an image shows."""
