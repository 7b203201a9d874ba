"""Claims about the companion systems: what each of them did, done here."""
