"""Methods beside the memory bank: trained on a dataset version, or asked of a vision-language model."""
