"""Learning to name points from masks that views agreed on, without any label."""
