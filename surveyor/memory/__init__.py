"""What happened: errors, blobs, events, runs, episodes. Holds no opinion about what was good."""
