"""Real rooms as a scanner left them: one mesh, labelled boxes, walls. Filmed like embedded rooms."""
