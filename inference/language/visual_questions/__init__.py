"""Vision-language models that are asked about a part: the question, the answer by schema, and both as a method."""
