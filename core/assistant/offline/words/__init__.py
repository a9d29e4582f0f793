"""Words and forms of words: letters, days, places, settings, by what people confirm and group."""
