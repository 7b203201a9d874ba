"""The vision experts behind HTTP; heavy libraries are imported only inside adapters."""
