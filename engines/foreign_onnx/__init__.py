"""Networks in ONNX files of any origin, by ONNX Runtime or OpenVINO."""
