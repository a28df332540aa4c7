"""Coulisses: booking places on visits behind the scenes of industry."""
