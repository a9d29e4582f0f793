"""The configuration of a training: one frozen object for form, YAML and conversation."""
