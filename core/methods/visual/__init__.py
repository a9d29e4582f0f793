"""The methods that are not trained: vision-language models and are asked in words, and networks that find phrases."""
