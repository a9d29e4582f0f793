"""Battery cells and modules, each pictured twice: a CT slice of its inside and a color photograph of its outside."""
