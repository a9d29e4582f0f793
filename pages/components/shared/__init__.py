"""What screens of several groups share: session, language, style, pickers, charts, dialogs."""
