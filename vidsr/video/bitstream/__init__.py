"""What all headers are read with: bits, NAL units, tables of transport streams."""
