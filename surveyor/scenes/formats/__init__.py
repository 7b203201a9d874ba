"""Writers and readers of public scene layouts, so that other people's code runs on our scenes.

Coordinates stay ours (metres, Z-up, right-handed) wherever the layout leaves them open; each
module says what its vendor fixes: pose direction, axis rows or columns, pixel centres, units.
"""
