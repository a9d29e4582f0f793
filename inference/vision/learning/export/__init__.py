"""A trained network for other programs: its graph, what goes in and comes out, the proof that runtimes agree."""
