"""Networks in ONNX files: read safely, understood by trying them, run by ONNX Runtime."""
