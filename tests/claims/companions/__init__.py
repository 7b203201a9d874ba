"""What the companions' features are held to: one module a companion, rows named by proof."""
