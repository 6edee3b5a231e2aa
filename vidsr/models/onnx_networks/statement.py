"""What an ONNX file may state about pictures: keys and words of ONNX's own metadata.

https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md
"""

from __future__ import annotations

from vidsr.models.onnx_networks.contract import Order, ValueRange

FORMAT_KEY, RANGE_KEY = "Image.BitmapPixelFormat", "Image.NominalPixelRange"
STATED_ORDERS: dict[str, Order] = {"Rgb8": "rgb", "Bgr8": "bgr", "Rgba8": "rgb", "Bgra8": "bgr"}
STATED_RANGES: dict[str, ValueRange] = {
    "NominalRange_0_255": "byte",
    "Normalized_0_1": "unit",
    "Normalized_1_1": "signed",
}
METADATA_FIELD = 14  # of ModelProto


def with_statement(model: bytes, order: str | None, span: str | None) -> bytes:
    """Return an ONNX file that states an order of channels and a range of numbers.

    Messages of protobuf that follow each other are one: the last entry of a key counts.
    """
    words = {
        FORMAT_KEY: next((w for w, each in STATED_ORDERS.items() if each == order), None),
        RANGE_KEY: next((w for w, each in STATED_RANGES.items() if each == span), None),
    }
    return model + b"".join(_entry(key, word) for key, word in words.items() if word)


def _entry(key: str, value: str) -> bytes:
    body = _field(1, key.encode()) + _field(2, value.encode())
    return _field(METADATA_FIELD, body)


def _field(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content
