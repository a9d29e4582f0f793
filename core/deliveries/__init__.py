"""Sending results on by themselves: targets, the outbox, webhooks and MQTT."""
