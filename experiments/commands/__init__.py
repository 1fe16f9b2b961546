"""The commands of `bisnn`: flags and files to settings, settings to answers, answers to tables."""
