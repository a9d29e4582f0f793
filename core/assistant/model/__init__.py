"""A language model with the tools: Claude or any OpenAI-compatible server, checked sentence by sentence."""
