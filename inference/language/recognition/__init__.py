"""Text recognition (OCR) of scanned pages, by an engine that is installed on this machine."""
