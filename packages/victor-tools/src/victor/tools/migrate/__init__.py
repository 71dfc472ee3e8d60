"""Brings tools and registry calls written for victor-ai over to this package."""
