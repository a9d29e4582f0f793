"""Looking after an installation: health, orphans, repair, pairing of database and files, warm-up."""
