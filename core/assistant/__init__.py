"""The assistant: questions answered by tools over the use cases, trainings drafted and confirmed."""
