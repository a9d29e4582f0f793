"""What is chosen and what was built: choices, versions, bundles, retention, fingerprints, lineage."""
