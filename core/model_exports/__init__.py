"""Trained networks that leave: ONNX or OpenVINO with all that is needed to use them, checked for parity."""
