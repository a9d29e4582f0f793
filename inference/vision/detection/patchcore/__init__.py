"""PatchCore: a memory bank of normal patches, from building it to the bundle that holds it."""
