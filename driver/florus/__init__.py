"""The session driver: a small program inside Spark that runs statements for florusd (docs/session-protocol.md)."""
